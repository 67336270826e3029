"""A whole Mask2Former learns from points and finds what they were placed on."""

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from mmpointrend.structures import PointMasks

from ..dense_heads.tiny_mask2former import tiny_mask2former

SIDE, NUM_POINTS = 64, 10


@pytest.fixture(autouse=True, scope='module')
def _scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


def scene(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A disc and a triangle of random colours on grey noise: image (H, W, 3), masks (2, H, W)."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((2, SIDE, SIDE), np.uint8)
    (x1, y1), (x2, y2) = rng.integers([14, 14], [22, 48]), rng.integers([42, 14], [50, 48])
    cv2.circle(masks[0], (int(x1), int(y1)), 11, 1, -1)
    cv2.fillPoly(masks[1], [np.int32([[x2 - 11, y2 + 11], [x2 + 11, y2 + 11], [x2, y2 - 12]])], 1)
    image = rng.integers(60, 90, (SIDE, SIDE, 3), dtype=np.uint8)
    for mask in masks:
        image[mask > 0] = rng.integers(170, 255, 3)
    return image, masks


def annotate(masks: np.ndarray, seed: int) -> InstanceData:
    """Boxes, and labelled points in them; the masks themselves stay behind."""
    rng = np.random.default_rng(seed)
    boxes, coords, labels = [], [], []
    for mask in masks:
        x, y, width, height = cv2.boundingRect(mask)
        boxes.append([x, y, x + width, y + height])
        pixels = rng.integers([x, y], [x + width, y + height], (NUM_POINTS, 2))
        coords.append(pixels + 0.5)
        labels.append(mask[pixels[:, 1], pixels[:, 0]])
    return InstanceData(
        bboxes=torch.tensor(boxes).float(),
        labels=torch.zeros(len(masks), dtype=torch.long),
        masks=PointMasks(np.array(coords), np.array(labels), SIDE, SIDE),
    )


def test_learns_masks_from_points():
    torch.manual_seed(0)
    model = MODELS.build(tiny_mask2former(num_classes=1))
    model.init_weights()
    images, masks = zip(*map(scene, range(4)), strict=True)

    def batch() -> dict:
        metainfo = {'img_shape': (SIDE, SIDE), 'ori_shape': (SIDE, SIDE)}
        samples = [DetDataSample(metainfo=metainfo) for _ in masks]
        for seed, sample in enumerate(samples):
            sample.gt_instances = annotate(masks[seed], seed)
        inputs = [torch.from_numpy(image).permute(2, 0, 1) for image in images]
        return model.data_preprocessor({'inputs': inputs, 'data_samples': samples}, model.training)

    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    model.train()
    for _ in range(60):
        loss, _ = model.parse_losses(model(**batch(), mode='loss'))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    model.eval()
    with torch.no_grad():
        predictions = model(**batch(), mode='predict')
    ious = []
    for truth, prediction in zip(masks, predictions, strict=True):
        found = prediction.pred_instances
        best = found.masks[found.scores.topk(2).indices].numpy()  # (2, H, W)
        overlap = (truth[:, None] & best).sum((2, 3))
        ious.append((overlap / (truth[:, None] | best).sum((2, 3))).max(1))
    assert np.mean(ious) > 0.7, ious
