"""Check a file of point annotations and count what is in it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .files import image_name
from .schema import PointAnnotationError, box_pixels, check_box, check_keys, check_points


@dataclass
class PointReport:
    """What a file of point annotations holds.

    Attributes:
        num_images: Images.
        num_empty_images: Images without an object (crowd regions are no objects).
        num_objects: Annotations that are no crowd.
        num_crowd: Crowd annotations.
        num_dropped: Objects that mmdet's datasets leave out: area 0, or a box under 1 pixel wide or
            high. Valid objects only, like all that follows.
        points_per_object: How many objects have P points, by P.
        num_points: Points.
        num_positive: Points on their object (label 1).
        num_outside_box: Points at pixels that their object's box does not touch.
        num_without_positive: Objects without a point of label 1.
        errors: One message per bad image or annotation.
    """

    num_images: int = 0
    num_empty_images: int = 0
    num_objects: int = 0
    num_crowd: int = 0
    num_dropped: int = 0
    points_per_object: Counter = field(default_factory=Counter)
    num_points: int = 0
    num_positive: int = 0
    num_outside_box: int = 0
    num_without_positive: int = 0
    errors: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = ', '.join(f'{n} with {p}' for p, n in sorted(self.points_per_object.items()))
        rows = (
            ('images', f'{self.num_images} ({self.num_empty_images} without an object)'),
            ('objects', f'{self.num_objects}'),
            ('crowd regions', f'{self.num_crowd} (not trained on)'),
            ('not trained on', f'{self.num_dropped} (area 0, or a box under a pixel)'),
            ('points per object', counts or 'none'),
            ('points', f'{self.num_points}'),
            ('on the object', _share(self.num_positive, self.num_points)),
            ('outside the box', _share(self.num_outside_box, self.num_points)),
            (
                'no point on it',
                f'{_share(self.num_without_positive, self.points_per_object.total())} objects',
            ),
        )
        return '\n'.join(f'{name:<18} {value}' for name, value in rows)


def validate_points(
    data: dict[str, Any], images: dict[Any, dict[str, Any]], source: str
) -> PointReport:
    """Check every image and annotation of a file and count its points.

    Args:
        data: The content of the file, as ``read_coco`` returns it.
        images: Its images by id, as ``read_coco`` returns them.
        source: The file, for the error messages.

    Returns:
        The counts and, for each bad image or annotation, the message of its error. An image is
        bad without a name. An annotation is bad with a ``segmentation`` (training would see the
        mask), without what training needs of each (see ``check_keys``), or, unless it is crowd,
        with a bad box or bad points.
    """
    report = PointReport(num_images=len(images))
    for image in images.values():
        try:
            image_name(image, source)
        except PointAnnotationError as error:
            report.errors.append(str(error))
    with_objects = set()
    for ann in data['annotations']:
        crowd = bool(ann.get('iscrowd', 0))
        report.num_crowd += crowd
        report.num_objects += not crowd
        if not crowd:
            with_objects.add(ann['image_id'])
        try:
            _check_no_mask(ann, source)
            check_keys(ann, source)
            if not crowd:
                _count(report, ann, images[ann['image_id']], source)
        except PointAnnotationError as error:
            report.errors.append(str(error))
    report.num_empty_images = len(images) - len(with_objects)
    return report


def _check_no_mask(ann: dict[str, Any], source: str) -> None:
    if 'segmentation' in ann:
        raise PointAnnotationError.of(ann, source, "a 'segmentation'", 'points alone')


def _count(report: PointReport, ann: dict[str, Any], image: dict[str, Any], source: str) -> None:
    width, height = image['width'], image['height']
    coords, labels = check_points(ann, width, height, source)
    box = check_box(ann, width, height, source)
    left, top, right, bottom = box_pixels(box)
    in_box = ((coords >= (left, top)) & (coords <= (right, bottom))).all(axis=1)
    num_positive = int(labels.sum())
    report.num_dropped += ann['area'] <= 0 or min(box[2:]) < 1
    report.points_per_object[len(labels)] += 1
    report.num_points += len(labels)
    report.num_positive += num_positive
    report.num_outside_box += int((~in_box).sum())
    report.num_without_positive += num_positive == 0


def _share(part: int, whole: int) -> str:
    return f'{part} ({part / whole:.1%})' if whole else f'{part}'
