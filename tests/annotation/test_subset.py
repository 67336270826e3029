"""Random parts of a dataset."""

from mmpointrend.annotation import affordable_images, keep_images, shuffled_images

COCO = {
    'info': {'year': 2017},
    'images': [{'id': index * 10} for index in range(50)],
    'annotations': [{'id': index, 'image_id': index % 50 * 10} for index in range(120)],
    'categories': [{'id': 1, 'name': 'x'}],
}


def test_all_images_come_in_an_order_of_the_seed() -> None:
    first, again, other = (shuffled_images(COCO, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert sorted(first) == [image['id'] for image in COCO['images']] != first


def test_every_image_comes_first_equally_often() -> None:
    counts = dict.fromkeys(range(0, 500, 10), 0)
    for seed in range(1000):
        for image_id in shuffled_images(COCO, seed)[:10]:
            counts[image_id] += 1
    # 1,000 draws of 0.2 each: mean 200, standard deviation 13; 5 of them on either side.
    assert min(counts.values()) > 135 and max(counts.values()) < 265


def test_a_budget_pays_for_the_first_images_until_one_costs_too_much() -> None:
    seconds = {'a': 3.0, 'b': 4.0, 'c': 9.0, 'd': 1.0}
    kept = [affordable_images(list('abcd'), seconds, budget) for budget in (2, 3, 7.5, 16, 99)]
    assert kept == [[], ['a'], ['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'c', 'd']]


def test_images_are_kept_in_their_order_with_their_annotations() -> None:
    part = keep_images(COCO, [30, 0])
    assert [image['id'] for image in part['images']] == [0, 30]
    assert [ann['id'] for ann in part['annotations']] == [0, 3, 50, 53, 100, 103]
    assert (part['info'], part['categories']) == (COCO['info'], COCO['categories'])
