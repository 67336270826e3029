import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmpointrend.models import PointINSMaskHead
from mmpointrend.models.mask_heads import point_ins_mask_head
from mmpointrend.models.mask_heads.point_ins_mask_head import (
    balanced_subset,
    instance_aware_convolution,
)
from mmpointrend.points import region_to_image, regular_grid
from mmpointrend.structures import PointMasks

from ..tensor_meter import TensorMeter

CHANNELS, SLOTS = 16, 3
STRIDES, SIZES = (8, 16), ((6, 8), (3, 4))
NUM_LOCATIONS = 6 * 8 + 3 * 4
HEIGHT, WIDTH = 48, 64
SWITCHES = {
    'default': {},
    'kernel': {'dyn_kernel': 3},
    'offset': {'weight_input': 'feature+offset'},
    'small': {'template_size': 7},
    'large': {'template_size': 28},
    'static': {'static_weights': True},
    'all': {'dyn_kernel': 3, 'weight_input': 'feature+offset', 'template_size': 7},
}
every_switch = pytest.mark.parametrize('switch', SWITCHES.values(), ids=SWITCHES)


def build(seed: int = 0, **switches) -> PointINSMaskHead:
    torch.manual_seed(seed)
    head = PointINSMaskHead(
        in_channels=CHANNELS,
        feat_channels=CHANNELS,
        num_slots=SLOTS,
        strides=STRIDES,
        stacked_convs=1,
        template_channels=4,
        mask_channels=5,
        predictor_channels=8,
        norm_cfg={'type': 'GN', 'num_groups': 4},
        test_cfg=ConfigDict(mask_thr_binary=0.5),
        **switches,
    )
    head.init_weights()
    # As initialised, all masks are almost the same.
    for module in (head.logits, getattr(head, 'weights', None)):
        if module is not None:
            torch.nn.init.normal_(module.weight, std=0.3)
    return head.eval()


def levels(num_images: int = 2) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(num_images, CHANNELS, *size, generator=generator) for size in SIZES]


def instances(pois, slots, boxes=None) -> InstanceData:
    boxes = [[8.0, 8.0, 36.0, 36.0]] * len(pois) if boxes is None else boxes
    return InstanceData(
        pois=torch.tensor(pois, dtype=torch.int64),
        slots=torch.tensor(slots, dtype=torch.int64),
        bboxes=torch.tensor(boxes).view(-1, 4),
        labels=torch.zeros(len(pois), dtype=torch.int64),
    )


def at(maps: list[torch.Tensor], image: int, poi: int) -> torch.Tensor:
    """Column of a PoI, (D,), counted level by level and row by row."""
    for level, (height, width) in zip(maps, SIZES, strict=True):
        if poi < height * width:
            return level[image, :, poi // width, poi % width]
        poi -= height * width
    raise IndexError(poi)


# ------------------------------------------------------------------------------------- gathering

IMAGES, POIS, PLACES = [0, 0, 1, 1, 1], [0, 59, 13, 47, 13], [0, 1, 2, 0, 1]


def test_templates_of_pois_are_those_of_a_dense_convolution():
    head, x = build(), levels()
    templates, template_of = head.predict_templates(x, torch.tensor(IMAGES), torch.tensor(POIS))
    kernel = head.template.weight[:, :, None, None]
    dense = [F.conv2d(head.template_tower(level), kernel, head.template.bias) for level in x]
    expected = torch.stack([at(dense, *place) for place in zip(IMAGES, POIS, strict=True)])
    torch.testing.assert_close(templates.flatten(1)[template_of], expected, rtol=0, atol=1e-6)


def test_weights_of_instances_are_those_of_a_dense_convolution():
    head, x = build(), levels()
    index = [torch.tensor(values) for values in (IMAGES, POIS, PLACES)]
    weights = head.predict_weights(x, *index, torch.zeros(5, 4))
    kernel = head.weights.weight[:, :, None, None]
    dense = [F.conv2d(head.weight_tower(level), kernel, head.weights.bias) for level in x]
    expected = torch.stack(
        [
            at(dense, image, poi).view(SLOTS, -1)[slot]
            for image, poi, slot in zip(IMAGES, POIS, PLACES, strict=True)
        ]
    )
    torch.testing.assert_close(weights.flatten(1), expected, rtol=1e-6, atol=1e-6)


def test_instances_at_a_poi_share_its_template():
    templates, template_of = build().predict_templates(
        levels(), torch.tensor(IMAGES), torch.tensor(POIS)
    )
    assert len(templates) == 4
    assert template_of[2] == template_of[4]


def test_nothing_is_predicted_for_locations_without_instances():
    head = build()
    x = [torch.randn(1, CHANNELS, 80, 80), torch.randn(1, CHANNELS, 40, 40)]
    with torch.no_grad(), TensorMeter() as meter:
        head(x, [instances([17, 6500], [0, 2])])
    # Patches that the convolution of a tower may look at, but not 4 * 14 * 14 template channels.
    assert meter.largest <= 9 * CHANNELS * (80**2 + 40**2) < 784 * (80**2 + 40**2)


# ---------------------------------------------------------------------------------------- masks


@pytest.mark.parametrize('kernel', [1, 3])
def test_instance_aware_convolution_is_a_convolution_for_each_instance(kernel):
    torch.manual_seed(0)
    templates, template_of = torch.randn(2, 4, 7, 7), torch.tensor([1, 0, 1])
    weights = torch.randn(3, 5, 4 * kernel**2 + 1)
    actual = instance_aware_convolution(templates, template_of, weights, kernel)
    for i, owner in enumerate(template_of):
        expected = F.conv2d(
            templates[owner],
            weights[i, :, :-1].view(5, 4, kernel, kernel),
            weights[i, :, -1],
            padding=kernel // 2,
        )
        torch.testing.assert_close(actual[i], expected.relu(), rtol=1e-5, atol=1e-5)


@every_switch
def test_mask_is_that_of_the_instance_alone(switch):
    head, x = build(**switch), levels()
    both = [instances([5, 5], [0, 2]), instances([5, 50, 7], [0, 1, 1])]
    (together,) = head(x, both)
    side = 2 * switch.get('template_size', 14)
    assert together.shape == (5, 1, side, side)
    singles = [
        head([level[[image]] for level in x], [both[image][[i]]])[0]
        for image in range(2)
        for i in range(len(both[image]))
    ]
    torch.testing.assert_close(together, torch.cat(singles), rtol=1e-4, atol=1e-5)


@every_switch
def test_instances_at_a_poi_differ_unless_weights_are_static(switch):
    (masks,) = build(**switch)(levels(), [instances([5, 5], [0, 2]), instances([], [])])
    assert torch.equal(masks[0], masks[1]) == switch.get('static_weights', False)


def test_static_weights_leave_no_part_without_use():
    names = {name.partition('.')[0] for name, _ in build(static_weights=True).named_parameters()}
    assert names == {'template_tower', 'template', 'static_weights', 'predictor', 'logits'}


def test_weights_see_the_box_only_with_offset():
    boxes = [[8.0, 8.0, 36.0, 36.0], [4.0, 8.0, 44.0, 40.0]]
    pair = [instances([5, 5], [1, 1], boxes)]
    for switch, differ in (({}, False), ({'weight_input': 'feature+offset'}, True)):
        (masks,) = build(**switch)(levels(1), pair)
        assert torch.equal(masks[0], masks[1]) != differ


def test_offset_is_the_distance_to_the_sides_of_the_box_in_cells():
    head = build(weight_input='feature+offset')
    # Row 1, column 3 of the first level, and row 2, column 1 of the second.
    boxes = torch.tensor([[4.0, 8.0, 44.0, 40.0], [8.0, 8.0, 36.0, 44.0]])
    offsets = head._offsets(levels(), torch.tensor([11, 48 + 9]), boxes)
    expected = [[24 / 8, 4 / 8, 16 / 8, 28 / 8], [16 / 16, 32 / 16, 12 / 16, 4 / 16]]
    assert offsets.tolist() == expected


@pytest.mark.parametrize(('slots', 'of_weights'), [(1, 272 * 257), (9, 9 * 272 * 257)])
def test_number_of_parameters_is_that_of_the_definition(slots, of_weights):
    with torch.device('meta'):
        head = PointINSMaskHead(num_slots=slots)
    counts = {
        name: sum(parameter.numel() for parameter in part.parameters())
        for name, part in head.named_children()
    }
    tower = 4 * (256 * 256 * 9 + 2 * 256)
    predictor = (16 * 9 + 1) * 64 + (64 * 9 + 1) * 64 + (64 * 4 + 1) * 64
    assert counts == {
        'loss_mask': 0,
        'template_tower': tower,
        'template': 16 * 14 * 14 * 257,
        'weight_tower': tower,
        'weights': of_weights,
        'predictor': predictor,
        'logits': 65,
    }


@pytest.mark.parametrize(
    ('switch', 'message'),
    [
        ({'dyn_kernel': 2}, 'dyn_kernel must be positive and odd, got 2'),
        ({'dyn_kernel': -1}, 'dyn_kernel must be positive and odd, got -1'),
        ({'weight_input': 'box'}, "'feature' or 'feature\\+offset', got 'box'"),
        (
            {'static_weights': True, 'weight_input': 'feature+offset'},
            "'feature' with static_weights=True, got 'feature\\+offset'",
        ),
    ],
)
def test_switch_without_meaning_is_named(switch, message):
    with pytest.raises(ValueError, match=message):
        build(**switch)


@pytest.mark.parametrize(
    ('part', 'std'),
    [
        ('template_tower.0.conv', 0.01),
        ('template', (2 / 256) ** 0.5),  # keeps the size of features, after ReLU
        ('weights', 0.01),
        ('predictor.2', (2 / (9 * 64)) ** 0.5),
        ('logits', 0.001),
    ],
)
def test_parts_start_as_small_as_the_definition_says(part, std):
    torch.manual_seed(0)
    head = PointINSMaskHead(stacked_convs=1)
    head.init_weights()
    layer = head.get_submodule(part)
    # The smallest one has 64 weights, whose deviation is known to 9 %.
    assert layer.weight.std().item() == pytest.approx(std, rel=0.2)
    assert layer.bias is None or not layer.bias.any()


# ----------------------------------------------------------------------------------------- loss

BOXES = torch.tensor([[8.0, 8.0, 36.0, 36.0], [2.0, 10.0, 58.0, 38.0]])


def dense_masks() -> BitmapMasks:
    """Triangles in the boxes."""
    masks = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, BOXES.int().tolist(), strict=True):
        mask[y1:y2, x1:x2] = np.tri(y2 - y1, x2 - x1, 3, dtype=np.uint8)
    return BitmapMasks(masks, HEIGHT, WIDTH)


def cell_points() -> PointMasks:
    """The dense masks, annotated at the centres of the cells that the head predicts."""
    points = regular_grid((28, 28)).expand(2, -1, -1)
    pixels = region_to_image(points, BOXES)
    masks = torch.from_numpy(dense_masks().masks).float()
    # Cells are whole pixels, or two side by side.
    widths = (BOXES[:, 2] - BOXES[:, 0]).int() // 28
    labels = [
        F.avg_pool2d(mask[None, y1:y2, x1:x2], (1, int(width)))[0] >= 0.5
        for mask, width, (x1, y1, x2, y2) in zip(masks, widths, BOXES.int().tolist(), strict=True)
    ]
    return PointMasks(pixels.numpy(), torch.stack(labels).flatten(1).int(), HEIGHT, WIDTH)


def positives(objects, weights=None) -> InstanceData:
    generator = torch.Generator().manual_seed(2)
    pois = torch.randint(NUM_LOCATIONS, (len(objects),), generator=generator)
    found = instances(pois.tolist(), [1] * len(objects))
    found.objects = torch.tensor(objects, dtype=torch.int64)
    found.bboxes = BOXES[found.objects]
    found.weights = torch.ones(len(objects)) if weights is None else torch.tensor(weights)
    return found


def sample(masks) -> DetDataSample:
    found = DetDataSample(metainfo={'batch_input_shape': (HEIGHT, WIDTH)})
    found.gt_instances = InstanceData(
        bboxes=BOXES[: len(masks)], labels=torch.zeros(len(masks), dtype=torch.int64), masks=masks
    )
    return found


def loss_and_gradients(head, masks, infos) -> tuple[torch.Tensor, list[torch.Tensor]]:
    head.zero_grad()
    loss = head.loss(levels(len(masks)), [sample(m) for m in masks], positive_infos=infos)
    loss['loss_mask'].backward()
    return loss['loss_mask'].detach(), [p.grad for p in head.parameters()]


def test_loss_is_the_weighted_mean_of_the_cross_entropy_of_cells():
    head = build()
    infos = [positives([0, 1, 1], [0.5, 1.0, 0.25]), positives([1], [2.0])]
    loss, _ = loss_and_gradients(head, [dense_masks(), dense_masks()], infos)
    (logits,) = head(levels(), infos)
    targets = cell_points().labels.reshape(2, 28, 28)
    objects, weights = [0, 1, 1, 1], [0.5, 1.0, 0.25, 2.0]
    expected = sum(
        weight * F.binary_cross_entropy_with_logits(plane[0], torch.from_numpy(targets[i]).float())
        for plane, i, weight in zip(logits, objects, weights, strict=True)
    ) / sum(weights)
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-5, atol=0)


def test_weights_below_one_in_sum_are_not_scaled_up():
    head = build()
    full, _ = loss_and_gradients(head, [dense_masks()], [positives([1], [1.0])])
    tenth, _ = loss_and_gradients(head, [dense_masks()], [positives([1], [0.1])])
    torch.testing.assert_close(tenth, full / 10)


def test_loss_is_divided_by_the_mean_weight_of_all_processes(monkeypatch):
    infos = [positives([0, 1], [1.0, 3.0])]
    alone, _ = loss_and_gradients(build(), [dense_masks()], infos)
    # Another process with masks of twice the weight: 4 here, 8 there, 6 in the mean.
    monkeypatch.setattr(point_ins_mask_head, 'reduce_mean', lambda total: (total + 8) / 2)
    together, _ = loss_and_gradients(build(), [dense_masks()], infos)
    torch.testing.assert_close(together, alone * 4 / 6)


def test_points_at_the_cells_of_the_masks_give_the_loss_of_the_masks():
    head = build()
    infos = [positives([0, 1, 1]), positives([1])]
    from_masks = loss_and_gradients(head, [dense_masks(), dense_masks()], infos)
    from_points = loss_and_gradients(head, [cell_points(), cell_points()], infos)
    from_both = loss_and_gradients(head, [cell_points(), dense_masks()], infos)
    for loss, gradients in (from_points, from_both):
        torch.testing.assert_close(loss, from_masks[0], rtol=1e-5, atol=0)
        torch.testing.assert_close(gradients, from_masks[1], rtol=1e-3, atol=1e-6)


def test_logits_are_interpolated_at_annotated_points():
    head = build()
    # Halfway between cells (4, 5), (4, 6) of the box, whose cells are pixels.
    points = PointMasks([[[8 + 6.0, 8 + 4.5]]], [[1]], HEIGHT, WIDTH)
    infos = [positives([0])]
    loss, _ = loss_and_gradients(head, [points], infos)
    (logits,) = head(levels(1), infos)
    middle = logits[0, 0, 4, 5:7].mean().detach()
    torch.testing.assert_close(loss, F.softplus(-middle), rtol=1e-5, atol=0)


def test_logits_fade_to_zero_in_the_outer_half_of_the_outer_cells():
    head = build()
    # A quarter of a cell from the left side of the box, in row 4.
    points = PointMasks([[[8 + 0.25, 8 + 4.5]]], [[1]], HEIGHT, WIDTH)
    infos = [positives([0])]
    loss, _ = loss_and_gradients(head, [points], infos)
    (logits,) = head(levels(1), infos)
    torch.testing.assert_close(loss, F.softplus(-0.75 * logits[0, 0, 4, 0].detach()))


@every_switch
@pytest.mark.parametrize('masks', [dense_masks, cell_points], ids=['masks', 'points'])
def test_batch_without_positives_is_a_zero_that_reaches_every_parameter(switch, masks):
    loss, gradients = loss_and_gradients(
        build(**switch), [masks()[:0], masks()], [positives([]), positives([])]
    )
    assert loss == 0
    assert not [gradient for gradient in gradients if gradient is None or gradient.any()]


def test_half_precision_gives_the_same_masks():
    head, pair = build(), [instances([5, 5, 50], [0, 2, 1]), instances([9], [1])]
    with torch.no_grad():
        (exact,) = head(levels(), pair)
        with torch.autocast('cpu', torch.bfloat16):
            (rough,) = head(levels(), pair)
    assert ((exact > 0) == (rough > 0)).float().mean() > 0.98


# --------------------------------------------------------------------------------- drawing


def test_subset_takes_turns_among_objects():
    objects = torch.tensor([0] * 50 + [2] * 3 + [1] * 20)[torch.randperm(73)]
    torch.manual_seed(0)
    picked = balanced_subset(objects, 24)
    assert len(picked.unique()) == 24
    counts = objects[picked].bincount().tolist()
    assert counts[2] == 3
    assert abs(counts[0] - counts[1]) <= 1


def test_subset_is_drawn_anew():
    objects = torch.zeros(100, dtype=torch.int64)
    first, second = (set(balanced_subset(objects, 50).tolist()) for _ in range(2))
    assert first != second


def test_last_turn_is_drawn_among_all_objects():
    objects = torch.arange(10)
    torch.manual_seed(0)
    drawn = torch.cat([balanced_subset(objects, 3) for _ in range(1000)])
    assert drawn.bincount(minlength=10).min() > 240


def test_few_instances_are_all_kept():
    assert balanced_subset(torch.tensor([3, 1, 1]), 3).tolist() == [0, 1, 2]


def test_number_of_trained_instances_of_an_image_is_limited():
    head = build(max_positives=4)
    seen = []
    head.register_forward_pre_hook(lambda _, args: seen.append([len(i) for i in args[1]]))
    loss_and_gradients(head, [dense_masks()] * 2, [positives([0, 1] * 5), positives([1])])
    assert seen == [[4, 1]]


# ----------------------------------------------------------------------------------- prediction


@pytest.mark.parametrize('rescale', [False, True])
def test_mask_is_pasted_into_its_box_and_rescaled_once(rescale):
    head = build()
    torch.nn.init.zeros_(head.logits.weight)
    torch.nn.init.ones_(head.logits.bias)  # the whole box
    image = DetDataSample(
        metainfo={'ori_shape': (HEIGHT // 2, WIDTH // 4), 'scale_factor': (4.0, 2.0)}
    )
    boxes = torch.tensor([[8.0, 12.0, 32.0, 40.0]])
    results = instances([3], [0], boxes.tolist())
    (results,) = head.predict(levels(1), [image], rescale=rescale, results_list=[results])
    expected = boxes / torch.tensor([4.0, 2.0, 4.0, 2.0]) if rescale else boxes
    torch.testing.assert_close(results.bboxes, expected)
    rows, columns = results.masks[0].nonzero().T
    extent = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert extent == expected[0].tolist()
    assert results.masks.shape[1:] == ((HEIGHT // 2, WIDTH // 4) if rescale else (HEIGHT, WIDTH))


def test_signs_of_half_precision_logits_are_not_rounded_away():
    # Their probabilities are, to one half.
    logits = torch.full((1, 1, 28, 28), -1e-3, dtype=torch.bfloat16)
    meta = {'ori_shape': (HEIGHT, WIDTH), 'scale_factor': (1.0, 1.0)}
    results = instances([3], [0], [[8.0, 12.0, 32.0, 40.0]])
    (results,) = build().predict_by_feat(logits, [meta], [results])
    assert not results.masks.any()


def test_image_without_detections_gets_no_masks():
    image = DetDataSample(metainfo={'ori_shape': (HEIGHT, WIDTH), 'scale_factor': (1.0, 1.0)})
    results = [instances([], []), instances([4], [1])]
    empty, other = build().predict(levels(), [image] * 2, rescale=True, results_list=results)
    assert empty.masks.shape == (0, HEIGHT, WIDTH)
    assert other.masks.shape == (1, HEIGHT, WIDTH)
