"""Random parts of a dataset, by share or by what annotating them costs."""

from typing import Any

import numpy as np


def shuffled_images(coco: dict[str, Any], seed: int) -> list[Any]:
    """Return the ids of all images in random order.

    The order depends on the seed and on how many images there are. So the first of them are the
    same images in a file of masks and in the file of points made from it, and a smaller part of
    a dataset lies in a larger one of the same seed.
    """
    # Ranks of plain draws: unlike `permutation`, their stream is the same in every numpy.
    order = np.random.default_rng(seed).random(len(coco['images'])).argsort(kind='stable')
    return [coco['images'][index]['id'] for index in order]


def affordable_images(image_ids: list[Any], seconds: dict[Any, float], budget: float) -> list[Any]:
    """Return as many of the first images as a budget pays for.

    It ends at the first image that costs too much: to go on with cheaper ones would prefer images
    with few objects.

    Args:
        image_ids: Images in random order.
        seconds: What each costs, as ``seconds_per_image`` returns it.
        budget: Seconds to spend.
    """
    spent = np.cumsum([seconds[image_id] for image_id in image_ids])
    return image_ids[: int(np.searchsorted(spent, budget, side='right'))]


def keep_images(coco: dict[str, Any], image_ids: list[Any]) -> dict[str, Any]:
    """Return a copy of a COCO file with some of its images, in their old order.

    Args:
        coco: A COCO file.
        image_ids: The images to keep, in any order, with their annotations.
    """
    kept = set(image_ids)
    return {
        **coco,
        'images': [image for image in coco['images'] if image['id'] in kept],
        'annotations': [ann for ann in coco['annotations'] if ann['image_id'] in kept],
    }
