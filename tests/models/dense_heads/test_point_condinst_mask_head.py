import pytest
import torch
import torch.nn.functional as F
from mmdet.models.dense_heads import CondInstMaskHead
from mmdet.models.utils import aligned_bilinear
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmpointrend.models import PointCondInstBboxHead, PointCondInstMaskHead
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
STRIDE = 4
TEST_CFG = {'mask_thr': 0.5}
every_batch = pytest.mark.parametrize('annotations', BATCHES.values(), ids=BATCHES)


def build(cls=PointCondInstMaskHead, test_cfg=TEST_CFG, **kwargs):
    config = {
        'mask_feature_head': {
            'in_channels': 4,
            'feat_channels': 4,
            'start_level': 0,
            'end_level': 1,
            'out_channels': 8,
            'mask_stride': 8,
            'num_stacked_convs': 1,
        },
        'mask_out_stride': STRIDE,
        'loss_mask': {'type': 'DiceLoss', 'eps': 5e-6},
        'test_cfg': ConfigDict(test_cfg),
    }
    return cls(**{**config, **kwargs})


def logits(num_planes: int, seed: int = 0, stride: int = STRIDE) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num_planes, HEIGHT // stride, WIDTH // stride, generator=generator)


def positives(objects: list[int]) -> InstanceData:
    """What the box head hands over, as far as the loss needs it."""
    generator = torch.Generator().manual_seed(len(objects))
    return InstanceData(
        pos_assigned_gt_inds=torch.tensor(objects, dtype=torch.long),
        scores=torch.randn(len(objects), NUM_CLASSES, generator=generator),
        centernesses=torch.randn(len(objects), 1, generator=generator),
    )


def loss_of(head, planes, gt_instances, infos) -> torch.Tensor:
    losses = head.loss_by_feat(planes, gt_instances, [{}] * len(planes), infos)
    assert set(losses) == {'loss_mask'}
    return losses['loss_mask']


def dense(seed: int = 0) -> InstanceData:
    return instances(BOXES, bitmaps(random_masks(2, HEIGHT, WIDTH, seed)))


def annotated(coords, labels) -> InstanceData:
    return instances(BOXES, PointMasks(coords, labels, HEIGHT, WIDTH))


def enlarged(planes: torch.Tensor, stride: int = STRIDE) -> torch.Tensor:
    """Logits of every pixel, as a prediction has them."""
    return aligned_bilinear(planes[None], stride)[0]


# ----------------------------------------------------------------------------------- supervision


def test_masks_give_the_loss_of_their_own_grid_as_points():
    """A mask read where mmdet reads it for its dense loss, and given as points at those pixels."""
    masks = torch.from_numpy(random_masks(2, HEIGHT, WIDTH))
    objects, planes = [1, 0, 1], logits(3)
    y, x = torch.meshgrid(
        *(torch.arange(STRIDE // 2, side, STRIDE) for side in INPUT), indexing='ij'
    )
    coords = pixel_points(x, y)
    labels = masks[:, y.flatten(), x.flatten()]
    points = annotated([coords, coords], list(labels.numpy()))
    loss = loss_of(build(), [planes], [points], [positives(objects)])
    expected = []
    for plane, index in zip(planes, objects, strict=True):
        x1, y1, x2, y2 = BOXES[index]
        inside = (x + 0.5 >= x1) & (x + 0.5 <= x2) & (y + 0.5 >= y1) & (y + 0.5 <= y2)
        cells = F.binary_cross_entropy_with_logits(
            plane, masks[index, y, x].float(), weight=inside.float(), reduction='mean'
        )
        expected.append(cells)
    torch.testing.assert_close(loss, torch.stack(expected).mean())


def test_points_on_the_grid_of_a_mask_give_the_loss_of_the_mask():
    """With the same loss, and boxes that leave nothing out."""
    masks = random_masks(2, HEIGHT, WIDTH)
    y, x = torch.meshgrid(
        *(torch.arange(STRIDE // 2, side, STRIDE) for side in INPUT), indexing='ij'
    )
    coords, labels = pixel_points(x, y), masks[:, y.flatten(), x.flatten()]
    boxes = [[0.0, 0.0, WIDTH, HEIGHT]] * 2
    points = PointMasks([coords, coords], list(labels), HEIGHT, WIDTH)
    # mmdet adds eps to each of two sums that ours adds it to once.
    head = build(loss_point={'type': 'mmpointrend.PointDiceLoss', 'eps': 1e-5})
    from_points, from_masks = (
        loss_of(head, [logits(3)], [instances(boxes, annotation)], [positives([1, 0, 1])])
        for annotation in (points, bitmaps(masks))
    )
    torch.testing.assert_close(from_points, from_masks)


@pytest.mark.parametrize('stride', [1, 2, 4, 8])
def test_training_reads_the_logit_that_a_prediction_has_at_the_pixel(stride):
    planes = logits(2, stride=stride)
    x, y = torch.tensor([8, 9, 30, 43]), torch.tensor([10, 12, 49, 33])  # in the first box
    coords = pixel_points(x, y)
    head = build(mask_out_stride=stride)
    head.loss_point = Recorder()
    points = annotated([coords, coords], [[1] * 4] * 2)
    loss_of(head, [planes], [points], [positives([0, 0])])
    torch.testing.assert_close(head.loss_point.logits, enlarged(planes, stride)[:, y, x])


def test_training_reads_the_border_as_a_prediction_does():
    planes = logits(1)
    x, y = torch.tensor([0, 95, 40]), torch.tensor([0, 63, 0])
    head = build()
    head.loss_point = Recorder()
    points = PointMasks([pixel_points(x, y)], [[1, 0, 1]], HEIGHT, WIDTH)
    whole = instances([[0.0, 0.0, WIDTH, HEIGHT]], points)
    loss_of(head, [planes], [whole], [positives([0])])
    torch.testing.assert_close(head.loss_point.logits, enlarged(planes)[:, y, x])


MOVES = {
    'flip': (lambda masks: masks.flip('horizontal'), lambda x, y: (95 - x, y)),
    'resize': (lambda masks: masks.resize((21, 32)).resize((63, 96)), lambda x, y: (x, y)),
    'enlarge': (
        lambda masks: masks.crop([0, 0, 32, 20]).resize((60, 96)),
        lambda x, y: (3 * x + 1, 3 * y + 1),
    ),
}


@pytest.mark.parametrize(('move', 'pixel'), MOVES.values(), ids=MOVES)
def test_points_are_read_where_a_transform_moves_them(move, pixel):
    planes = logits(1)
    x, y = torch.tensor([1, 12, 30]), torch.tensor([2, 9, 19])
    points = PointMasks([pixel_points(x, y)], [[1, 0, 1]], 63, 96)
    head = build()
    head.loss_point = Recorder()
    whole = instances([[0.0, 0.0, WIDTH, HEIGHT]], move(points).pad(INPUT))
    loss_of(head, [planes], [whole], [positives([0])])
    x, y = pixel(x, y)
    torch.testing.assert_close(head.loss_point.logits, enlarged(planes)[:, y, x])


IGNORED = {'labelled -1': ([20.5, 20.5], -1), 'outside of its box': ([50.5, 20.5], 1)}


@pytest.mark.parametrize(('coord', 'label'), IGNORED.values(), ids=IGNORED)
def test_ignored_point_changes_nothing_but_the_mean(coord, label):
    outcomes = []
    for coords, labels in [([[15.5, 33.5]], [1]), ([[15.5, 33.5], coord], [1, label])]:
        planes = logits(1).requires_grad_()
        points = annotated([coords, coords], [labels, labels])
        loss = loss_of(build(), [planes], [points], [positives([0])])
        loss.backward()
        outcomes.append((loss, planes.grad))
    (loss, gradient), (with_ignored, its_gradient) = outcomes
    torch.testing.assert_close(with_ignored, loss / 2)
    torch.testing.assert_close(its_gradient, gradient / 2)


# ---------------------------------------------------------------------------------- dense masks


@pytest.mark.parametrize('counts', [(3, 2), (0, 3), (0, 0)], ids=str)
@pytest.mark.parametrize(
    'limits',
    [
        {},
        {'max_masks_to_train': 2},
        {'topk_masks_per_img': 2},
        {'max_masks_to_train': 2, 'topk_masks_per_img': 1},
    ],
    ids=str,
)
def test_dense_masks_give_the_loss_of_the_parent_class(counts, limits):
    batch = [dense(seed) for seed in range(2)]
    outcomes = []
    for cls in (PointCondInstMaskHead, CondInstMaskHead):
        planes = [logits(count, seed).requires_grad_() for seed, count in enumerate(counts)]
        torch.manual_seed(0)
        infos = [positives([i % 2 for i in range(count)]) for count in counts]
        loss = loss_of(build(cls, **limits), planes, batch, infos)
        if loss.requires_grad:
            loss.backward()
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in planes]
        outcomes.append([loss.detach(), *grads])
    for actual, expected in zip(*outcomes, strict=True):
        assert torch.equal(actual, expected)


def test_batch_with_both_kinds_of_supervision_is_the_mean_of_its_predictions():
    points = annotated([[[20.5, 20.5], [15.5, 37.5]], [[60.5, 50.5]]], [[1, 0], [1]])
    planes, infos = [logits(3), logits(2, 1)], [positives([0, 1, 0]), positives([1, 0])]
    from_masks = loss_of(build(), planes[:1], [dense()], infos[:1])
    from_points = loss_of(build(), planes[1:], [points], infos[1:])
    expected = (3 * from_masks + 2 * from_points) / 5
    torch.testing.assert_close(loss_of(build(), planes, [dense(), points], infos), expected)
    swapped = loss_of(build(), planes[::-1], [points, dense()], infos[::-1])
    torch.testing.assert_close(swapped, expected)


# ------------------------------------------------------------------------------ chosen predictions

POINTS = ([[[20.5, 20.5], [15.5, 37.5]], [[60.5, 50.5]]], [[1, 0], [1]])


def trained_rows(objects: list[int], info: InstanceData, **limits) -> list[int]:
    """The predictions that the points train."""
    planes = torch.arange(len(objects)).float()[:, None, None].expand(-1, 16, 24)
    head = build(**limits)
    head.loss_point = Recorder()
    loss_of(head, [planes], [annotated(*POINTS)], [info])
    assert torch.equal(head.loss_point.logits[:, 0], head.loss_point.logits[:, 1])
    rows = head.loss_point.logits[:, 0].long().tolist()
    # Chosen together with their objects: the second one has one point less.
    assert (head.loss_point.labels[:, 1] == -1).tolist() == [objects[row] == 1 for row in rows]
    return rows


def test_every_prediction_is_trained_without_a_limit():
    objects = [0, 1, 0, 1, 1]
    assert trained_rows(objects, positives(objects)) == [0, 1, 2, 3, 4]


def test_at_most_so_many_predictions_are_trained():
    objects = [0, 1, 0, 1, 1]
    drawn = [trained_rows(objects, positives(objects), max_masks_to_train=3) for _ in range(20)]
    assert all(len(set(rows)) == 3 for rows in drawn)
    assert set().union(*drawn) == set(range(5))


def test_the_best_predictions_of_each_object_are_trained():
    objects = [0, 1, 0, 1, 1]
    info = positives(objects)
    info.scores[:] = torch.tensor([1.0, 5.0, 2.0, 1.0, 3.0])[:, None]
    info.centernesses[:] = torch.tensor([0.0, -9.0, 0.0, 0.0, 0.0])[:, None]
    assert trained_rows(objects, info, topk_masks_per_img=2) == [2, 4]


# ------------------------------------------------------------------------------------- gradients


@every_batch
def test_every_parameter_gets_a_gradient(annotations):
    torch.manual_seed(0)
    box_head = PointCondInstBboxHead(
        NUM_CLASSES,
        4,
        feat_channels=4,
        stacked_convs=1,
        strides=[8, 16],
        regress_ranges=((-1, 32), (32, 1e8)),
        center_sampling=True,
        norm_cfg=None,
    )
    mask_head = build()
    x, batch = features([8, 16], 4), samples(annotations)
    losses = box_head.loss(x, batch)
    losses |= mask_head.loss(x, batch, positive_infos=box_head.get_positive_infos())
    assert set(losses) == {'loss_cls', 'loss_bbox', 'loss_centerness', 'loss_mask'}
    has_objects = any(not annotation.startswith('no ') for annotation in annotations)
    assert (losses['loss_mask'] > 0) == has_objects
    sum(losses.values()).backward()
    for head in (box_head, mask_head):
        assert [key for key, p in head.named_parameters() if p.grad is None] == []


# ------------------------------------------------------------------------------------ prediction


def predicted(rescale: bool, **test_cfg) -> InstanceData:
    head = build(test_cfg={**TEST_CFG, **test_cfg})
    results = InstanceData(bboxes=torch.tensor(BOXES))
    meta = {'img_shape': (60, 90), 'ori_shape': (30, 45), 'scale_factor': (2.0, 2.0)}
    return head.predict_by_feat([logits(2)], [results], [meta], rescale=rescale)[0]


@pytest.mark.parametrize('rescale', [False, True])
def test_masks_are_cut_to_their_boxes(rescale):
    cut, whole = predicted(rescale, crop_to_box=True), predicted(rescale)
    expected = torch.zeros_like(whole.masks)
    for index, box in enumerate(BOXES):
        x1, y1, x2, y2 = (round(side) // (2 if rescale else 1) for side in box)
        expected[index, y1:y2, x1:x2] = whole.masks[index, y1:y2, x1:x2]
    assert torch.equal(cut.masks, expected)
    assert not torch.equal(cut.masks, whole.masks)


def test_masks_are_those_of_the_parent_class_otherwise():
    parent = build(CondInstMaskHead)
    results = InstanceData(bboxes=torch.tensor(BOXES))
    meta = {'img_shape': (60, 90), 'ori_shape': (30, 45), 'scale_factor': (2.0, 2.0)}
    expected = parent.predict_by_feat([logits(2)], [results], [meta], rescale=True)[0]
    assert torch.equal(predicted(rescale=True).masks, expected.masks)
