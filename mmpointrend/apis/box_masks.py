"""Masks of boxes that are known, in place of detections."""

from collections.abc import Sequence

import torch
from mmdet.models.roi_heads import BaseRoIHead, HybridTaskCascadeRoIHead
from mmengine.model import BaseModel, is_model_wrapper
from mmengine.structures import InstanceData
from torch import Tensor


def box_mask_head(model: BaseModel) -> BaseRoIHead:
    """Return the part of a model that predicts the masks of boxes.

    Args:
        model: A two-stage model, as for :func:`predict_box_masks`.

    Raises:
        TypeError: When it is another one.
    """
    model = model.module if is_model_wrapper(model) else model
    roi_head = getattr(model, 'roi_head', None)
    if roi_head is None or not roi_head.with_mask:
        raise TypeError(
            f'found a {type(model).__name__}, expected a two-stage model with a mask head '
            '(model.roi_head.mask_head): others have no masks of given boxes'
        )
    return roi_head


@torch.no_grad()
def predict_box_masks(
    model: BaseModel, data: dict, boxes: Sequence[Tensor], labels: Sequence[Tensor]
) -> list[Tensor]:
    """Predict the masks of given boxes.

    Args:
        model: A two-stage model in evaluation mode: Mask R-CNN, PointRend, Implicit PointRend or a
            cascade of them.
        data: A batch as its data loader gives it: ``inputs`` and ``data_samples`` of N images.
        boxes: Corners (x1, y1, x2, y2) in pixels of the original image, shape (R_i, 4) for each
            image.
        labels: Class of each box, shape (R_i,) for each image.

    Returns:
        Boolean masks in pixels of the original image, shape (R_i, H_i, W_i) for each image.

    Raises:
        TypeError: When the model predicts no masks of boxes.
    """
    roi_head = box_mask_head(model)
    model = model.module if is_model_wrapper(model) else model
    data = model.data_preprocessor(data, False)
    x, metas = model.extract_feat(data['inputs']), [s.metainfo for s in data['data_samples']]
    device = x[0].device
    results = [
        InstanceData(
            # Coordinates stay float32, whatever the features are.
            bboxes=image_boxes.to(device, torch.float32)
            * torch.tensor(meta['scale_factor'], dtype=torch.float32, device=device).repeat(2),
            labels=image_labels.to(device),
        )
        for image_boxes, image_labels, meta in zip(boxes, labels, metas, strict=True)
    ]
    semantic = {}
    if isinstance(roi_head, HybridTaskCascadeRoIHead):
        features = roi_head.semantic_head(x)[1] if roi_head.with_semantic else None
        semantic = {'semantic_heat': features}
    roi_head.predict_mask(
        x=x, batch_img_metas=metas, results_list=results, rescale=True, **semantic
    )
    return [image.masks for image in results]
