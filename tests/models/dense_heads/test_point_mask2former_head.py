from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmdet.models.dense_heads import Mask2FormerHead
from mmdet.models.task_modules.assigners import hungarian_assigner
from mmdet.registry import TASK_UTILS
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from mmpointrend.models import PointMask2FormerHead
from mmpointrend.models.dense_heads import point_mask2former_head as module
from mmpointrend.points import regular_grid
from mmpointrend.structures import PointMasks

from ..tensor_meter import TensorMeter
from .tiny_mask2former import tiny_mask2former

HEIGHT, WIDTH = 48, 64
META = {'batch_input_shape': (HEIGHT, WIDTH)}
# Boxes of rectangles of whole pixels, and their masks' triangular half.
BOXES = torch.tensor([[4.0, 6.0, 30.0, 40.0], [20.0, 10.0, 60.0, 30.0], [40.0, 2.0, 62.0, 46.0]])
NUM_QUERIES, NUM_LAYERS = 6, 2


@pytest.fixture(autouse=True, scope='module')
def _scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


@cache
def build(**settings) -> PointMask2FormerHead:
    model = tiny_mask2former(num_classes=3, num_queries=NUM_QUERIES, **settings)
    model.panoptic_head.pop('type')
    return PointMask2FormerHead(**model.panoptic_head, train_cfg=model.train_cfg)


@cache
def build_parent() -> Mask2FormerHead:
    model = tiny_mask2former()
    config = model.panoptic_head
    for key in ('type', 'num_classes', 'loss_mask', 'loss_dice'):
        config.pop(key)
    config.loss_cls.class_weight = [1.0] * 3 + [0.1]
    return Mask2FormerHead(
        **config,
        num_things_classes=3,
        num_stuff_classes=0,
        loss_mask={'type': 'CrossEntropyLoss', 'use_sigmoid': True, 'loss_weight': 5.0},
        loss_dice={'type': 'DiceLoss', 'naive_dice': True, 'eps': 1.0, 'loss_weight': 5.0},
        train_cfg=model.train_cfg,
    )


def predictions(num_images: int = 2, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of all layers: of classes (L, B, Q, C + 1), of masks (L, B, Q, h, w)."""
    generator = torch.Generator().manual_seed(seed)
    shape = (NUM_LAYERS, num_images, NUM_QUERIES)
    classes = torch.randn(*shape, 4, generator=generator)
    coarse = torch.randn(*shape, 3, 4, generator=generator) * 3
    masks = F.interpolate(coarse.flatten(0, 1), (HEIGHT // 4, WIDTH // 4), mode='bilinear')
    return classes.requires_grad_(), masks.unflatten(0, shape[:2]).detach().requires_grad_()


def bitmaps(num_objects: int) -> np.ndarray:
    masks = np.zeros((num_objects, HEIGHT, WIDTH), np.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, BOXES.int().tolist(), strict=False):
        mask[y1:y2, x1:x2] = np.tri(y2 - y1, x2 - x1, dtype=np.uint8)
    return masks


def image(masks, num_objects: int) -> InstanceData:
    labels = torch.tensor([2, 0, 1])[:num_objects]
    return InstanceData(bboxes=BOXES[:num_objects].clone(), labels=labels, masks=masks)


def dense(num_objects: int) -> InstanceData:
    return image(BitmapMasks(bitmaps(num_objects), HEIGHT, WIDTH), num_objects)


def annotated(coords, labels) -> InstanceData:
    return image(PointMasks(coords, labels, HEIGHT, WIDTH), len(labels))


def grid(num_objects: int) -> InstanceData:
    """Annotated at every pixel of the image."""
    rows, columns = np.indices((HEIGHT, WIDTH)).reshape(2, -1)
    coords = np.stack((columns, rows), -1) + 0.5
    labels = bitmaps(num_objects).reshape(num_objects, -1)
    return annotated(np.broadcast_to(coords, (num_objects, *coords.shape)), labels)


def losses(head, outputs, images) -> dict[str, torch.Tensor]:
    truth = head.preprocess_gt(images, [None] * len(images))
    return head.loss_by_feat(*outputs, truth, [META] * len(images))


def with_gradients(head, images) -> list[torch.Tensor]:
    """Losses by name, and the gradients that they give to the logits."""
    outputs = predictions(len(images))
    torch.manual_seed(0)
    found = losses(head, outputs, images)
    sum(loss.sum() for loss in found.values()).backward()
    return [found[key].detach().flatten() for key in sorted(found)] + [o.grad for o in outputs]


@pytest.fixture
def on_the_grid(monkeypatch):
    """Let the head look at every pixel where it would draw points of dense masks."""

    def points(num_regions: int, *args) -> torch.Tensor:
        return regular_grid((HEIGHT, WIDTH)).expand(num_regions, -1, -1)

    monkeypatch.setattr(module, 'uniform_points', points)
    monkeypatch.setattr(module, 'uncertain_points', lambda predict, *args: points(*args))


# ---------------------------------------------------------------------------------- dense masks


@pytest.mark.parametrize('counts', [(3, 2), (0, 3), (0, 0)], ids=str)
def test_dense_masks_give_the_losses_of_the_parent_class(counts):
    images = [dense(count) for count in counts]
    for actual, expected in zip(
        with_gradients(build(), images), with_gradients(build_parent(), images), strict=True
    ):
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-6)


def test_dense_masks_are_moved_once_and_never_copied_as_floats():
    head, outputs = build(), predictions()
    big = np.zeros((3, 20 * HEIGHT, 20 * WIDTH), np.uint8)
    images = [image(BitmapMasks(big, *big.shape[1:]), 3)] * 2
    with TensorMeter() as meter:
        truth = head.preprocess_gt(images, [None, None])
    assert meter.largest_bytes == big.nbytes
    metas = [{'batch_input_shape': big.shape[1:]}] * 2
    with TensorMeter() as meter:
        head.loss_by_feat(*outputs, truth, metas)
    # A mask is seen as a table of pixels, which is a view.
    assert meter.largest_bytes == big.nbytes


# -------------------------------------------------------------------------------------- points


def test_points_on_the_grid_of_the_masks_give_the_losses_of_the_masks(on_the_grid):
    head = build(num_background_points=0)
    from_points = with_gradients(head, [grid(3), grid(2)])
    from_masks = with_gradients(head, [dense(3), dense(2)])
    assert from_masks[1].item() > 0.1
    for actual, expected in zip(from_points, from_masks, strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-6)


def test_every_object_of_a_batch_with_both_kinds_counts_the_same(on_the_grid):
    head = build(num_background_points=0)
    outputs = predictions()
    few = annotated([[[10.5, 20.5], [25.5, 10.5], [0.5, 0.5]]], [[1, 0, -1]])
    both = losses(head, outputs, [few, dense(3)])
    alone = [
        losses(head, [output[:, [i]] for output in outputs], [truth])
        for i, truth in enumerate((few, dense(3)))
    ]
    for key in ('loss_mask', 'loss_dice', 'd0.loss_mask', 'd0.loss_dice'):
        expected = (alone[0][key] + 3 * alone[1][key]) / 4
        torch.testing.assert_close(both[key], expected)


def test_loss_at_points_is_the_cross_entropy_of_the_interpolated_logit():
    head = build(num_background_points=0)
    outputs = predictions(1)
    # The centre of cell (row 3, column 5), where nothing is between cells.
    loss = losses(head, outputs, [annotated([[[22.0, 14.0]]], [[1]])])['loss_mask']
    cells = outputs[1][-1, 0, :, 3, 5]
    possible = 5 * F.softplus(-cells)
    assert torch.isclose(possible, loss, rtol=1e-5).sum() == 1


def test_only_annotated_points_get_a_gradient():
    head = build(num_background_points=0)
    outputs = predictions(1)
    points = annotated([[[22.0, 14.0], [40.0, 40.0]]], [[1, -1]])
    found = losses(head, outputs, [points])
    (found['loss_mask'] + found['loss_dice']).backward()
    assert outputs[1].grad[-1, 0].any(0).nonzero().tolist() == [[3, 5]]


# ------------------------------------------------------------------------------------ matching


def queries(*objects: int | None) -> torch.Tensor:
    """Sure logits (Q, h, w): each query shows an object, or nothing."""
    shrunk = torch.from_numpy(bitmaps(3)[:, 2::4, 2::4].astype(np.float32))
    planes = [torch.zeros_like(shrunk[0]) if i is None else shrunk[i] for i in objects]
    return torch.stack(planes) * 16 - 8


# On the object, beside it inside its box, and ignored where the first two objects overlap.
COORDS = [
    [[8.5, 36.5], [26.5, 8.5], [22.5, 28.5]],
    [[26.5, 26.5], [54.5, 12.5], [22.5, 28.5]],
    [[44.5, 42.5], [58.5, 6.5], [44.5, 42.5]],
]
LABELS = [[1, 0, -1]] * 3


def match(masks: torch.Tensor, truth: InstanceData, scores: torch.Tensor | None = None) -> list:
    """Object of each query, None where there is none."""
    head = build()
    scores = torch.zeros(len(masks), 4) if scores is None else scores
    (truth,) = head.preprocess_gt([truth], [None])
    *_, objects, _, matched, _, _ = head._get_targets_single(scores, masks, truth, META)
    found = dict(zip(matched.tolist(), objects.tolist(), strict=True))
    return [found.get(query) for query in range(len(masks))]


@pytest.mark.parametrize(
    'shown', [(2, None, 0, 1, None, None), (None, 1, 2, None, None, 0)], ids=str
)
@pytest.mark.parametrize('truth', [annotated(COORDS, LABELS), dense(3)], ids=['points', 'masks'])
def test_query_is_matched_with_the_object_that_it_shows(shown, truth):
    assert match(queries(*shown), truth) == list(shown)


def test_class_decides_between_queries_with_the_same_mask():
    scores = torch.zeros(6, 4)
    scores[4, 2] = 5
    assert match(queries(*[0] * 6), annotated(COORDS[:1], LABELS[:1]), scores) == [
        *[None] * 4,
        0,
        None,
    ]


def test_cost_of_a_match_is_that_of_the_points_that_are_not_ignored(monkeypatch):
    scores, masks = (output[0, 0].detach() for output in predictions(1))
    seen = []
    solve = hungarian_assigner.linear_sum_assignment
    monkeypatch.setattr(
        hungarian_assigner, 'linear_sum_assignment', lambda cost: seen.append(cost) or solve(cost)
    )
    match(masks, annotated(COORDS, LABELS), scores)

    expected = torch.empty(NUM_QUERIES, 3)
    pixels = F.interpolate(masks[None], (HEIGHT, WIDTH), mode='bilinear')[0]
    for query, index in np.ndindex(NUM_QUERIES, 3):
        (x, y), labels = np.int64(COORDS[index][:2]).T, torch.tensor([1.0, 0.0])
        logits = pixels[query, y, x]
        entropy = F.binary_cross_entropy_with_logits(logits, labels, reduction='sum') / 3
        shown = logits.sigmoid()
        dice = 1 - (2 * shown[0] + 1) / (shown.sum() + 1 + 1)
        probability = scores[query].softmax(0)[[2, 0, 1][index]]
        expected[query, index] = -2 * probability + 5 * entropy + 5 * dice
    torch.testing.assert_close(seen[0], expected)


@pytest.mark.parametrize(
    'cost',
    [
        {'type': 'ClassificationCost', 'weight': 2.0},
        {'type': 'CrossEntropyLossCost', 'weight': 5.0},
        {'type': 'DiceCost', 'pred_act': True, 'eps': 1.0},
        {'type': 'DiceCost', 'pred_act': True, 'naive_dice': False},
        {'type': 'FocalLossCost', 'binary_input': True},
    ],
    ids=lambda cost: '-'.join(map(str, cost.values())),
)
def test_cost_at_own_points_is_that_of_each_object_alone(cost):
    cost = TASK_UTILS.build(cost)
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(5, 4, generator=generator)
    logits = torch.randn(5, 3, 7, generator=generator)  # (Q, N, P)
    labels = (torch.rand(3, 7, generator=generator) < 0.5).float()
    classes = torch.tensor([2, 0, 2])
    expected = [
        cost(
            pred_instances=InstanceData(scores=scores, masks=logits[:, i]),
            gt_instances=InstanceData(labels=classes[[i]], masks=labels[[i]]),
        )
        for i in range(3)
    ]
    actual = module._cost_at_own_points(
        cost,
        InstanceData(scores=scores, masks=logits),
        InstanceData(labels=classes, masks=labels),
        META,
    )
    torch.testing.assert_close(actual, torch.cat(expected, 1))


# ---------------------------------------------------------------------------------- background

ONE_POINT = ([[[10.5, 20.5]]], [[1]])


def background_loss(logits: torch.Tensor) -> torch.Tensor:
    """What one mask (h, w), shown by all queries, pays beside its loss at the annotated point."""
    classes, masks = predictions(1)
    outputs = classes, logits.expand_as(masks)
    with_term, without = (
        losses(build(num_background_points=number), outputs, [annotated(*ONE_POINT)])
        for number in (1, 0)
    )
    return with_term['loss_mask'] - without['loss_mask']


def test_background_term_is_the_mean_over_points_where_those_in_the_box_cost_nothing(on_the_grid):
    logits = predictions(1)[1][-1, 0, 0].detach()
    # Beyond the border of a map there are zeros.
    pixels = F.interpolate(F.pad(logits, (1,) * 4)[None, None], scale_factor=4, mode='bilinear')
    costs = 5 * F.softplus(pixels[0, 0, 4:-4, 4:-4])
    x1, y1, x2, y2 = BOXES[0].int().tolist()
    costs[y1:y2, x1:x2] = 0
    torch.testing.assert_close(background_loss(logits), costs.mean(), rtol=1e-4, atol=0)


def test_background_term_pushes_the_mask_down_outside_of_the_box_only(on_the_grid):
    logits = predictions(1)[1][-1, 0, 0].detach().requires_grad_()
    background_loss(logits).backward()
    expected = torch.ones(logits.shape, dtype=torch.bool)
    # In cells of four pixels the box is x 1 to 7.5, y 1.5 to 10; a pixel moves the cells whose
    # centres are around it.
    expected[2:9, 2:7] = False
    assert torch.equal(logits.grad > 1e-8, expected)


def test_dense_masks_need_no_background_term():
    images = [dense(2)]
    with_term, without = (
        with_gradients(build(num_background_points=number), images) for number in (50, 0)
    )
    for actual, expected in zip(with_term, without, strict=True):
        assert torch.equal(actual, expected)


# ---------------------------------------------------------------------------------------- config


def test_class_weight_follows_the_number_of_classes():
    assert build().class_weight == [1.0, 1.0, 1.0, 0.1]


def test_class_weight_of_the_config_stays():
    loss_cls = ConfigDict(type='CrossEntropyLoss', class_weight=[1.0, 2.0, 1.0, 0.3])
    assert build.__wrapped__(loss_cls=loss_cls).class_weight == [1.0, 2.0, 1.0, 0.3]
