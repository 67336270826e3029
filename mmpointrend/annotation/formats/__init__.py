"""Point annotations in the formats of annotation tools.

Every module here has two functions: ``read(path)`` returns the content of a COCO file with points
and one note per thing that could not be taken over as it was, ``write(coco, path)`` writes one.
"""

from . import coco_keypoints, coco_points, cvat, datumaro, label_studio, labelme

FORMATS = {
    'coco-points': coco_points,
    'coco-keypoints': coco_keypoints,
    'cvat': cvat,
    'datumaro': datumaro,
    'label-studio': label_studio,
    'labelme': labelme,
}

__all__ = ['FORMATS']
