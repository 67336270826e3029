"""What an annotation costs in seconds of human work.

| what | seconds | source |
| --- | --- | --- |
| a box | 7 per object | Papadopoulos et al., "Extreme clicking for efficient object annotation", ICCV 2017 |
| a point | 0.9 per point | Cheng et al., "Pointly-Supervised Instance Segmentation", CVPR 2022, Sec. 3 |
| a polygon | 79.2 per object | Lin et al., "Microsoft COCO", ECCV 2014, Sec. 4.3: 22 hours for 1,000 of them |
| which classes are there | 219.5 per image | the same, Sec. 4.1: about 20,000 hours for 328,000 images |
| where the objects are | 14.4 per object | the same, Sec. 4.2: about 10,000 hours for 2,500,000 objects |

The last two precede every form of supervision. They are those of COCO, where eight people saw each
image: with one class in the dataset, or one annotator, another number is right.
"""  # noqa: E501

from typing import Any

BOX_SECONDS = 7.0
POINT_SECONDS = 0.9
POLYGON_SECONDS = 79.2
CATEGORIES_SECONDS = 20_000 * 3600 / 328_000
SPOTTING_SECONDS = 10_000 * 3600 / 2_500_000

FORMS = ('boxes', 'points', 'masks')


def annotation_seconds(
    coco: dict[str, Any],
    form: str,
    image_seconds: float = CATEGORIES_SECONDS,
    object_seconds: float = SPOTTING_SECONDS,
) -> float:
    """Return what it takes to annotate the objects of a COCO file; crowd regions are free.

    Args:
        coco: A COCO file.
        form: 'boxes', 'points' (a box and the points that the file has) or 'masks' (a polygon).
        image_seconds: Seconds per image, before its objects are annotated.
        object_seconds: Seconds per object, to find it.

    Returns:
        Seconds.

    Raises:
        ValueError: There is no such form, or an object of a file without points is to have them.
    """
    return sum(seconds_per_image(coco, form, image_seconds, object_seconds).values())


def seconds_per_image(
    coco: dict[str, Any],
    form: str,
    image_seconds: float = CATEGORIES_SECONDS,
    object_seconds: float = SPOTTING_SECONDS,
) -> dict[Any, float]:
    """Return the seconds of each image by its id; see :func:`annotation_seconds`."""
    if form not in FORMS:
        raise ValueError(f'form: found {form!r}, expected one of {", ".join(FORMS)}')
    seconds = {image['id']: image_seconds for image in coco['images']}
    for ann in coco['annotations']:
        if not ann.get('iscrowd', 0):
            seconds[ann['image_id']] += object_seconds + _form_seconds(ann, form)
    return seconds


def _form_seconds(ann: dict[str, Any], form: str) -> float:
    if form == 'masks':
        return POLYGON_SECONDS
    if form == 'boxes':
        return BOX_SECONDS
    labels = ann.get('point_labels')
    if not isinstance(labels, list):
        found = f'point_labels {labels!r}' if 'point_labels' in ann else "no 'point_labels'"
        raise ValueError(f'annotation {ann["id"]}: found {found}, expected a file with points')
    return BOX_SECONDS + POINT_SECONDS * len(labels)
