"""Point annotations as files: simulate them from masks, check them, read and write them.

Needs numpy and pycocotools only.
"""

from .files import check_coco, new_folder, read_coco, write_json
from .masks import decode_segmentation, mask_annotation
from .schema import PointAnnotationError, box_pixels, check_box, check_keys, check_points
from .simulate import replace_mask, simulate_points, simulate_points_legacy
from .validate import PointReport, validate_points

__all__ = [
    'PointAnnotationError',
    'PointReport',
    'box_pixels',
    'check_box',
    'check_coco',
    'check_keys',
    'check_points',
    'decode_segmentation',
    'mask_annotation',
    'new_folder',
    'read_coco',
    'replace_mask',
    'simulate_points',
    'simulate_points_legacy',
    'validate_points',
    'write_json',
]
