"""Point annotations as files: simulate them from masks, check, disturb, compare and convert them.

Needs numpy and pycocotools only.
"""

from .agreement import Agreement, measure_agreement
from .cost import FORMS, annotation_seconds, seconds_per_image
from .files import (
    add_history,
    check_coco,
    check_files,
    image_name,
    job_folder,
    new_folder,
    read_coco,
    write_coco,
    write_json,
    write_text,
)
from .label_maps import draw_labels, sample_labels
from .masks import decode_segmentation, mask_annotation, masks_at, pack_polygons
from .noise import disturb_labels
from .parallel import num_cores, parallel_map
from .reference import ReferencedPoints, boundary_distances, reference_points
from .schema import PointAnnotationError, box_pixels, check_box, check_keys, check_points
from .simulate import simulate_points, simulate_points_legacy
from .subset import affordable_images, keep_images, shuffled_images
from .validate import PointReport, validate_points

__all__ = [
    'FORMS',
    'Agreement',
    'PointAnnotationError',
    'PointReport',
    'ReferencedPoints',
    'add_history',
    'affordable_images',
    'annotation_seconds',
    'boundary_distances',
    'box_pixels',
    'check_box',
    'check_coco',
    'check_files',
    'check_keys',
    'check_points',
    'decode_segmentation',
    'disturb_labels',
    'draw_labels',
    'image_name',
    'job_folder',
    'keep_images',
    'mask_annotation',
    'masks_at',
    'measure_agreement',
    'new_folder',
    'num_cores',
    'pack_polygons',
    'parallel_map',
    'read_coco',
    'reference_points',
    'sample_labels',
    'seconds_per_image',
    'shuffled_images',
    'simulate_points',
    'simulate_points_legacy',
    'validate_points',
    'write_coco',
    'write_json',
    'write_text',
]
