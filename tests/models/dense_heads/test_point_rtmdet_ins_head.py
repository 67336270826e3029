from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from mmdet.models.dense_heads import RTMDetInsHead, RTMDetInsSepBNHead
from mmdet.models.losses import DiceLoss
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmpointrend.models import PointDiceLoss, PointRTMDetInsHead, PointRTMDetInsSepBNHead
from mmpointrend.models.dense_heads import point_rtmdet_ins_head
from mmpointrend.structures import PointMasks

from .batches import (
    BATCHES,
    BOXES,
    INPUT,
    NUM_CLASSES,
    Recorder,
    bitmaps,
    features,
    instances,
    pixel_points,
    random_masks,
    samples,
)

HEIGHT, WIDTH = INPUT
STRIDES = [8, 16]
PARENTS = {PointRTMDetInsHead: RTMDetInsHead, PointRTMDetInsSepBNHead: RTMDetInsSepBNHead}
every_class = pytest.mark.parametrize('cls', PARENTS)
every_batch = pytest.mark.parametrize('annotations', BATCHES.values(), ids=BATCHES)
TEST_CFG = {
    'nms_pre': 100,
    'min_bbox_size': 0,
    'score_thr': 0.0,
    'nms': {'type': 'nms', 'iou_threshold': 0.9},
    'max_per_img': 8,
    'mask_thr_binary': 0.5,
}


def build(cls=PointRTMDetInsHead, **test_cfg):
    torch.manual_seed(0)
    head = cls(
        num_classes=NUM_CLASSES,
        in_channels=4,
        feat_channels=4,
        stacked_convs=1,
        with_objectness=False,
        norm_cfg={'type': 'BN'},
        anchor_generator={'type': 'MlvlPointGenerator', 'offset': 0, 'strides': STRIDES},
        bbox_coder={'type': 'DistancePointBBoxCoder'},
        loss_cls={'type': 'QualityFocalLoss', 'use_sigmoid': True},
        loss_bbox={'type': 'GIoULoss'},
        train_cfg=ConfigDict(
            assigner={'type': 'DynamicSoftLabelAssigner', 'topk': 13},
            allowed_border=-1,
            pos_weight=-1,
        ),
        test_cfg=ConfigDict({**TEST_CFG, **test_cfg}),
    )
    head.init_weights()
    return head


def dense(seed: int = 0) -> InstanceData:
    """As the parent class hands it to its mask loss."""
    masks = bitmaps(random_masks(2, HEIGHT, WIDTH, seed))
    return instances(BOXES, masks.to_tensor(torch.bool, 'cpu'))


def annotated(coords, labels, boxes=BOXES) -> InstanceData:
    return instances(boxes, PointMasks(coords, labels, HEIGHT, WIDTH))


class Batch:
    """Random inputs of the mask loss: features, and the positive priors of each image."""

    def __init__(self, head, *objects: list[int]) -> None:
        generator = torch.Generator().manual_seed(0)
        size = (HEIGHT // STRIDES[0], WIDTH // STRIDES[0])
        shape = (len(objects), head.num_prototypes, *size)
        self.features = torch.randn(shape, generator=generator)
        self.kernels = torch.randn(len(objects), 50, head.num_gen_params, generator=generator)
        self.results = [
            SimpleNamespace(
                pos_inds=torch.arange(len(image)) * 7,
                pos_priors=torch.tensor([[16.0, 24.0, 8.0, 8.0]]).expand(len(image), -1),
                pos_assigned_gt_inds=torch.tensor(image, dtype=torch.long),
            )
            for image in objects
        ]

    def images(self, *order: int) -> tuple:
        index = list(order)
        return self.features[index], self.kernels[index], [self.results[i] for i in index]

    def enlarged(self, head, image: int) -> torch.Tensor:
        """Logits of every pixel, as a prediction has them."""
        result = self.results[image]
        planes = head._mask_predict_by_feat_single(
            self.features[image], self.kernels[image, result.pos_inds], result.pos_priors
        )
        return F.interpolate(planes[None], scale_factor=STRIDES[0], mode='bilinear')[0]


# ----------------------------------------------------------------------------------- supervision


def test_masks_give_the_loss_of_their_own_grid_as_points():
    head, objects = build(), [1, 0, 1]
    batch = Batch(head, objects)
    masks = torch.from_numpy(random_masks(2, HEIGHT, WIDTH))
    y, x = torch.meshgrid(*map(torch.arange, INPUT), indexing='ij')
    coords = pixel_points(x, y)
    points = annotated([coords, coords], list(masks.flatten(1).numpy()))
    loss = head.loss_mask_by_feat(*batch.images(0), [points])
    expected = []
    for plane, index in zip(batch.enlarged(head, 0), objects, strict=True):
        x1, y1, x2, y2 = BOXES[index]
        inside = (x + 0.5 >= x1) & (x + 0.5 <= x2) & (y + 0.5 >= y1) & (y + 0.5 <= y2)
        pixels = F.binary_cross_entropy_with_logits(
            plane, masks[index].float(), weight=inside.float(), reduction='mean'
        )
        expected.append(pixels)
    torch.testing.assert_close(loss, torch.stack(expected).mean())


def test_points_on_the_grid_of_a_mask_give_the_loss_of_the_mask():
    """With the same loss, of every pixel, and boxes that leave nothing out."""
    head, objects = build(), [1, 0, 1]
    head.mask_loss_stride = 1
    head.loss_mask = DiceLoss(eps=5e-6)
    # mmdet adds eps to each of two sums that ours adds it to once.
    head.loss_point = PointDiceLoss(eps=1e-5)
    masks = random_masks(2, HEIGHT, WIDTH)
    y, x = torch.meshgrid(*map(torch.arange, INPUT), indexing='ij')
    coords = [pixel_points(x, y)] * 2
    boxes = [[0.0, 0.0, WIDTH, HEIGHT]] * 2
    points = PointMasks(coords, list(masks.reshape(2, -1)), HEIGHT, WIDTH)
    batch = Batch(head, objects)
    from_points, from_masks = (
        head.loss_mask_by_feat(*batch.images(0), [instances(boxes, annotation)])
        for annotation in (points, torch.from_numpy(masks).bool())
    )
    torch.testing.assert_close(from_points, from_masks)


MOVES = {
    'nothing': (lambda masks: masks, lambda x, y: (x, y)),
    'flip': (lambda masks: masks.flip('diagonal'), lambda x, y: (95 - x, 62 - y)),
    'enlarge': (
        lambda masks: masks.crop([0, 0, 32, 20]).resize((60, 96)),
        lambda x, y: (3 * x + 1, 3 * y + 1),
    ),
}


@pytest.mark.parametrize(('move', 'pixel'), MOVES.values(), ids=MOVES)
def test_training_reads_the_logit_that_a_prediction_has_at_the_pixel(move, pixel):
    head = build()
    head.loss_point = Recorder()
    batch = Batch(head, [0])
    x, y = torch.tensor([0, 12, 30]), torch.tensor([2, 9, 19])
    points = PointMasks([pixel_points(x, y)], [[1, 0, 1]], 63, 96)
    whole = instances([[0.0, 0.0, WIDTH, HEIGHT]], move(points).pad(INPUT))
    head.loss_mask_by_feat(*batch.images(0), [whole])
    x, y = pixel(x, y)
    torch.testing.assert_close(head.loss_point.logits, batch.enlarged(head, 0)[:, y, x])


IGNORED = {'labelled -1': ([20.5, 20.5], -1), 'outside of its box': ([50.5, 20.5], 1)}


@pytest.mark.parametrize(('coord', 'label'), IGNORED.values(), ids=IGNORED)
def test_ignored_point_changes_nothing_but_the_mean(coord, label):
    head = build()
    features, kernels, results = Batch(head, [0]).images(0)
    outcomes = []
    for coords, labels in [([[15.5, 33.5]], [1]), ([[15.5, 33.5], coord], [1, label])]:
        leaf = features.clone().requires_grad_()
        points = annotated([coords, coords], [labels, labels])
        loss = head.loss_mask_by_feat(leaf, kernels, results, [points])
        loss.backward()
        outcomes.append((loss, leaf.grad))
    (loss, gradient), (with_ignored, its_gradient) = outcomes
    torch.testing.assert_close(with_ignored, loss / 2)
    torch.testing.assert_close(its_gradient, gradient / 2)


# ---------------------------------------------------------------------------------- dense masks


@every_class
@pytest.mark.parametrize(
    'annotations',
    [('masks', 'masks'), ('no masks', 'masks'), ('no masks', 'no masks')],
    ids='-'.join,
)
def test_dense_masks_give_the_losses_of_the_parent_class(cls, annotations):
    outcomes = []
    for head in (build(cls), build(PARENTS[cls])):
        losses = head.loss(tuple(features(STRIDES, 4)), samples(annotations))
        sum(sum(loss) if isinstance(loss, list) else loss for loss in losses.values()).backward()
        grads = {
            key: torch.zeros_like(p) if p.grad is None else p.grad
            for key, p in head.named_parameters()
        }
        outcomes.append((losses, grads))
    for actual, expected in zip(*outcomes, strict=True):
        torch.testing.assert_close(actual, expected)


def test_batch_with_both_kinds_of_supervision_is_the_mean_of_its_predictions():
    head = build()
    batch = Batch(head, [0, 1, 0], [1, 0])
    points = annotated([[[20.5, 20.5], [15.5, 37.5]], [[60.5, 50.5]]], [[1, 0], [1]])
    from_masks = head.loss_mask_by_feat(*batch.images(0), [dense()])
    from_points = head.loss_mask_by_feat(*batch.images(1), [points])
    expected = (3 * from_masks + 2 * from_points) / 5
    both = head.loss_mask_by_feat(*batch.images(0, 1), [dense(), points])
    torch.testing.assert_close(both, expected)
    swapped = head.loss_mask_by_feat(*batch.images(1, 0), [points, dense()])
    torch.testing.assert_close(swapped, expected)


# ------------------------------------------------------------------------------------- training


@every_class
@every_batch
def test_every_parameter_gets_a_gradient(cls, annotations):
    head = build(cls)
    losses = head.loss(tuple(features(STRIDES, 4)), samples(annotations))
    assert set(losses) == {'loss_cls', 'loss_bbox', 'loss_mask'}
    has_objects = any(not annotation.startswith('no ') for annotation in annotations)
    assert (losses['loss_mask'] > 0) == has_objects
    sum(sum(loss) if isinstance(loss, list) else loss for loss in losses.values()).backward()
    assert [key for key, p in head.named_parameters() if p.grad is None] == []


@every_batch
def test_processes_exchange_the_number_of_predictions_once_in_every_batch(annotations, monkeypatch):
    calls = []

    def reduce_mean(count):
        calls.append(count)
        return 2 * count

    head = build()
    x = tuple(features(STRIDES, 4))
    alone = head.loss(x, samples(annotations))['loss_mask']
    monkeypatch.setattr(point_rtmdet_ins_head, 'reduce_mean', reduce_mean)
    together = head.loss(x, samples(annotations))['loss_mask']
    assert len(calls) == 1
    torch.testing.assert_close(together, alone / 2)


# ------------------------------------------------------------------------------------ prediction


def predicted(cls, rescale: bool, **test_cfg) -> InstanceData:
    head = build(cls, **test_cfg).eval()
    # The initial weights give flat masks and boxes without area.
    for key, parameter in head.named_parameters():
        if 'kernel' in key or 'mask_head' in key:
            torch.nn.init.normal_(parameter, std=0.5)
        elif 'rtm_reg' in key and key.endswith('bias'):
            torch.nn.init.ones_(parameter)
    with torch.no_grad():
        x = tuple(features(STRIDES, 4))
        return head.predict(x, samples(('no masks', 'no masks')), rescale=rescale)[0]


@every_class
@pytest.mark.parametrize('rescale', [False, True])
def test_masks_are_cut_to_their_boxes(cls, rescale):
    cut, whole = predicted(cls, rescale, crop_to_box=True), predicted(cls, rescale)
    assert len(cut) == TEST_CFG['max_per_img']
    height, width = whole.masks.shape[1:]
    y, x = torch.arange(height)[:, None] + 0.5, torch.arange(width) + 0.5
    for mask, complete, (x1, y1, x2, y2) in zip(cut.masks, whole.masks, cut.bboxes, strict=True):
        assert torch.equal(mask, complete & (x1 <= x) & (x <= x2) & (y1 <= y) & (y <= y2))
    assert cut.masks.any()
    assert cut.masks.sum() < whole.masks.sum()


@every_class
@pytest.mark.parametrize(('rescale', 'size'), [(False, (60, 90)), (True, (30, 45))])
def test_masks_are_those_of_the_parent_class_without_padding_otherwise(cls, rescale, size):
    mine, parent = (predicted(kind, rescale) for kind in (cls, PARENTS[cls]))
    assert mine.masks.shape[1:] == size
    assert torch.equal(mine.masks, parent.masks[:, : size[0], : size[1]])
    assert mine.masks.any()
