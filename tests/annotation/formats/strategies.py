"""Random files of point annotations."""

from typing import Any

from hypothesis import strategies as st

# Letters of any script, digits and signs that stand in names; no path separators.
NAMES = st.text(
    st.characters(categories=('L', 'N'), include_characters=' -_()&<>"\'|;,'),
    min_size=1,
    max_size=12,
)
EXTRAS = st.dictionaries(
    st.sampled_from(['note', 'licence', 'source']),
    st.one_of(NAMES, st.integers(-9, 9), st.none(), st.lists(st.integers(0, 9), max_size=2)),
    max_size=2,
)


@st.composite
def coco_files(draw: st.DrawFn) -> dict[str, Any]:
    """A valid file: images of several sizes, objects of several numbers of points, crowd regions,
    ids in no order, keys that no tool knows.
    """

    def ids(count: int) -> list[int]:
        return draw(st.lists(st.integers(0, 10**6), min_size=count, max_size=count, unique=True))

    classes = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    files = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    categories = [
        {**draw(EXTRAS), 'id': category_id, 'name': name}
        for category_id, name in zip(ids(len(classes)), classes, strict=True)
    ]
    images = [
        {
            **draw(EXTRAS),
            'id': image_id,
            'file_name': f'train/{name}.jpg',
            'width': draw(st.integers(1, 2000)),
            'height': draw(st.integers(1, 2000)),
        }
        for image_id, name in zip(ids(len(files)), files, strict=True)
    ]
    annotations = [
        {**draw(EXTRAS), 'id': ann_id, **draw(objects(images, categories))}
        for ann_id in ids(draw(st.integers(0, 4)))
    ]
    head = draw(st.sampled_from([{}, {'info': {'year': 2017}, 'licenses': []}]))
    return {**head, 'images': images, 'annotations': annotations, 'categories': categories}


@st.composite
def objects(draw: st.DrawFn, images: list[dict], categories: list[dict]) -> dict[str, Any]:
    image = draw(st.sampled_from(images))
    x = draw(st.floats(-5, image['width'] - 0.01))
    y = draw(st.floats(-5, image['height'] - 0.01))
    w, h = max(draw(st.floats(0, 3000)), 5.5), max(draw(st.floats(0, 3000)), 5.5)
    ann = {'image_id': image['id'], 'category_id': draw(st.sampled_from(categories))['id']}
    ann |= {'bbox': [x, y, w, h], 'area': draw(st.floats(0.5, 1e6))}
    if draw(st.booleans()):
        ann['iscrowd'] = draw(st.integers(0, 1))
    pixel = st.tuples(
        st.integers(0, image['width'] - 1), st.integers(0, image['height'] - 1), st.integers(0, 1)
    )
    points = [] if ann.get('iscrowd') else draw(st.lists(pixel, max_size=6))
    if not ann.get('iscrowd'):
        ann['point_coords'] = [[px, py] for px, py, _ in points]
        ann['point_labels'] = [label for _, _, label in points]
    return ann
