from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmpointrend.models import PointFCNMaskHead
from mmpointrend.structures import PointMasks

from ...reference import assert_same, load_reference, with_our_names
from ..grids import grids_of_masks

CASES = load_reference('point_sup_mask_rcnn_head')['cases']
# Gradients of the parameters are stored for the first batch of each case only.
TRAIN_CASES = [(case, train) for case in CASES for train in case['train']]
TRAIN_IDS = [f'{case["name"]}-{len(train["x"])}' for case, train in TRAIN_CASES]

HEIGHT, WIDTH = 64, 96
TRAIN_CFG = ConfigDict(mask_size=28)
TEST_CFG = ConfigDict(mask_thr_binary=0.5)


def build_like(case: dict) -> PointFCNMaskHead:
    head = PointFCNMaskHead(
        num_convs=2,
        in_channels=16,
        conv_out_channels=16,
        num_classes=5,
        class_agnostic=case['config']['ROI_MASK_HEAD']['CLS_AGNOSTIC_MASK'],
    )
    head.load_state_dict(with_our_names(case['state_dict']))
    return head


def regions(boxes, objects, labels) -> SimpleNamespace:
    """What mmdet's sampler hands over."""
    return SimpleNamespace(
        pos_priors=torch.as_tensor(boxes, dtype=torch.float32).view(-1, 4),
        pos_assigned_gt_inds=torch.as_tensor(objects, dtype=torch.long),
        pos_gt_labels=torch.as_tensor(labels, dtype=torch.long),
    )


def reference_regions(instances: dict) -> SimpleNamespace:
    boxes = instances['proposal_boxes']
    return regions(boxes, torch.arange(len(boxes)), instances['gt_classes'])


def reference_points(instances: dict) -> InstanceData:
    coords, labels = instances['gt_point_coords'], instances['gt_point_labels']
    return InstanceData(masks=PointMasks(coords.numpy(), labels.numpy(), HEIGHT, WIDTH))


def loss_of(head, mask_preds, sampled, instances) -> torch.Tensor:
    losses = head.loss_and_target(mask_preds, sampled, instances, TRAIN_CFG)['loss_mask']
    assert set(losses) == {'loss_mask'}
    return losses['loss_mask']


# ---------------------------------------------------------------------------- reference numbers


@pytest.mark.parametrize(
    'case', load_reference('losses')['mask_rcnn_loss'], ids=lambda case: case['name']
)
def test_loss_on_dense_masks_matches_reference(case):
    logits = case['mask_logits'].clone().requires_grad_()
    num_classes = logits.shape[1]
    head = PointFCNMaskHead(num_classes=num_classes, class_agnostic=num_classes == 1)
    instances = [
        InstanceData(masks=BitmapMasks(i['gt_masks'].numpy().astype('uint8'), HEIGHT, WIDTH))
        for i in case['instances']
    ]
    sampled = [reference_regions(i) for i in case['instances']]
    cfg = ConfigDict(mask_size=logits.shape[2])
    losses = head.loss_and_target(logits, sampled, instances, cfg)['loss_mask']
    loss = losses['loss_mask'].squeeze()  # mmdet gives one element
    assert_same(loss, case['loss'])
    loss.backward()
    assert_same(logits.grad, case['grad_logits'])


@pytest.mark.parametrize(('case', 'train'), TRAIN_CASES, ids=TRAIN_IDS)
def test_training_matches_reference(case, train):
    head = build_like(case)
    x = train['x'].clone().requires_grad_()
    mask_preds = head(x)
    assert_same(mask_preds, train['mask_logits'])
    sampled = [reference_regions(i) for i in train['instances']]
    loss = loss_of(head, mask_preds, sampled, [reference_points(i) for i in train['instances']])
    assert_same(loss, train['losses']['loss_mask'])
    loss.backward()
    assert_same(x.grad, train['grad_x'])
    parameters = dict(head.named_parameters())
    for name, gradient in with_our_names(train.get('grads', {})).items():
        assert_same(parameters[name].grad, gradient)
    assert all(parameter.grad is not None for parameter in parameters.values())


def test_reference_has_batches_with_and_without_boxes():
    for case in CASES:
        counts = {tuple(train['num_instances'].tolist()) for train in case['train']}
        assert counts == {(3, 2), (0, 2), (0, 0)}
        assert any('grads' in train for train in case['train'])


def paste(probabilities: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
    """Read one mask (1, H, W) over ``box`` at the centre of every pixel of the image."""
    y, x = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing='ij')
    centres = torch.stack((x, y), -1)
    grid = (centres - box[:2]) / (box[2:] - box[:2]) * 2 - 1
    return F.grid_sample(probabilities[None], grid[None], align_corners=False)[0, 0]


@pytest.mark.parametrize('case', CASES, ids=lambda case: case['name'])
def test_predicted_masks_match_reference(case):
    head, inference = build_like(case), case['inference']
    detections = [
        InstanceData(bboxes=i['pred_boxes'].clone(), labels=i['pred_classes'])
        for i in inference['instances']
    ]
    metas = [{'ori_shape': (HEIGHT, WIDTH), 'scale_factor': (1.0, 1.0)}] * len(detections)
    with torch.no_grad():
        planes = head(inference['x']).split([len(d) for d in detections])
        head.predict_by_feat(planes, detections, metas, TEST_CFG)
    compared = 0
    for image, expected, detection in zip(
        inference['instances'], inference['pred_masks'], detections, strict=True
    ):
        for box, probabilities, mask in zip(
            image['pred_boxes'], expected, detection.masks, strict=True
        ):
            pasted = paste(probabilities, box)
            sure = (pasted - TEST_CFG.mask_thr_binary).abs() > 1e-5
            compared += sure.sum()
            assert torch.equal(mask[sure], (pasted > TEST_CFG.mask_thr_binary)[sure])
            assert mask.any() and not mask.all()
    assert compared > 0.99 * 3 * HEIGHT * WIDTH


# ---------------------------------------------------------------------------------- dense masks

BOXES = [[4.0, 6.0, 40.0, 50.0], [10.5, 3.0, 70.0, 33.3], [2.0, 2.0, 30.0, 30.0]]


def dense(num_objects: int, seed: int = 0) -> InstanceData:
    generator = torch.Generator().manual_seed(seed)
    masks = torch.rand(num_objects, HEIGHT, WIDTH, generator=generator) < 0.5
    return InstanceData(masks=BitmapMasks(masks.numpy().astype('uint8'), HEIGHT, WIDTH))


def points(coords, labels) -> InstanceData:
    return InstanceData(masks=PointMasks(coords, labels, HEIGHT, WIDTH))


@pytest.mark.parametrize('class_agnostic', [False, True])
@pytest.mark.parametrize('counts', [(2, 1), (0, 3), (0, 0)], ids=str)
def test_dense_masks_give_the_loss_of_the_parent_class(class_agnostic, counts):
    torch.manual_seed(0)
    config = {
        'num_convs': 1,
        'in_channels': 4,
        'conv_out_channels': 4,
        'num_classes': 3,
        'class_agnostic': class_agnostic,
    }
    mine, parent = PointFCNMaskHead(**config), FCNMaskHead(**config)
    parent.load_state_dict(mine.state_dict())
    x = torch.randn(sum(counts), 4, 14, 14)
    sampled = [regions(BOXES[:n], [i % 2 for i in range(n)], [2, 0, 1][:n]) for n in counts]
    instances = [dense(2, seed) for seed in range(2)]
    outcomes = []
    for head in (mine, parent):
        head_input = x.clone().requires_grad_()
        loss = loss_of(head, head(head_input), sampled, instances)
        loss.backward()
        outcomes.append([loss, head_input.grad, *(p.grad for p in head.parameters())])
    for actual, expected in zip(*outcomes, strict=True):
        assert torch.equal(actual, expected)


@pytest.mark.parametrize('class_agnostic', [False, True])
def test_batch_with_both_kinds_of_supervision_is_the_mean_of_its_regions(class_agnostic):
    torch.manual_seed(0)
    head = PointFCNMaskHead(1, in_channels=4, num_classes=3, class_agnostic=class_agnostic)
    planes = torch.randn(3, 1 if class_agnostic else 3, 28, 28)
    two = regions(BOXES[:2], [1, 0], [2, 0])
    one = regions(BOXES[2:], [0], [1])
    masks, annotated = dense(2), points([[[10.5, 20.5], [5.5, 7.5]]], [[1, 0]])
    from_masks = loss_of(head, planes[:2], [two], [masks])
    from_points = loss_of(head, planes[2:], [one], [annotated])
    expected = (2 * from_masks + from_points) / 3
    torch.testing.assert_close(loss_of(head, planes, [two, one], [masks, annotated]), expected)
    swapped = planes[[2, 0, 1]]
    torch.testing.assert_close(loss_of(head, swapped, [one, two], [annotated, masks]), expected)


@pytest.mark.parametrize('class_agnostic', [False, True])
def test_points_on_the_grid_of_a_mask_give_the_loss_of_the_mask(class_agnostic):
    torch.manual_seed(0)
    head = PointFCNMaskHead(1, in_channels=4, num_classes=3, class_agnostic=class_agnostic)
    planes = torch.randn(2, 1 if class_agnostic else 3, 28, 28)
    masks = dense(2)
    boxes, annotated = grids_of_masks(masks.masks, 28)
    sampled = [regions(boxes, [0, 1], [2, 0])]
    from_masks = loss_of(head, planes, sampled, [masks]).squeeze()  # mmdet gives one element
    from_points = loss_of(head, planes, sampled, [InstanceData(masks=annotated)])
    torch.testing.assert_close(from_points, from_masks)


def test_objects_count_the_same_whichever_of_them_share_an_image():
    torch.manual_seed(0)
    head = PointFCNMaskHead(1, in_channels=4, num_classes=3)
    planes = torch.randn(2, 3, 28, 28)
    coords, labels = [[[10.5, 20.5]] * 10, [[35.5, 27.5]]], [[1] * 10, [0]]
    together = loss_of(head, planes, [regions(BOXES[:2], [0, 1], [1, 1])], [points(coords, labels)])
    apart = loss_of(
        head,
        planes,
        [regions(box, [0], [1]) for box in BOXES[:2]],
        [points([c], [label]) for c, label in zip(coords, labels, strict=True)],
    )
    torch.testing.assert_close(together, apart)


# ------------------------------------------------------------------------------- ignored points

BOX = [10.0, 10.0, 30.0, 40.0]
IGNORED = {
    'labelled -1': ([20.5, 20.5], -1),
    'left of the box': ([9.5, 20.5], 1),
    'below the box': ([20.5, 41.5], 0),
}


def gradient_of_planes(coords, labels) -> tuple[torch.Tensor, torch.Tensor]:
    head = PointFCNMaskHead(1, in_channels=4, num_classes=3)
    torch.manual_seed(0)
    planes = torch.randn(1, 3, 28, 28, requires_grad=True)
    loss = loss_of(head, planes, [regions(BOX, [0], [1])], [points([coords], [labels])])
    loss.backward()
    return loss, planes.grad


@pytest.mark.parametrize(('coord', 'label'), IGNORED.values(), ids=IGNORED)
def test_ignored_point_gives_no_loss_and_no_gradient(coord, label):
    loss, gradient = gradient_of_planes([coord], [label])
    assert loss == 0
    assert not gradient.any()


@pytest.mark.parametrize(('coord', 'label'), IGNORED.values(), ids=IGNORED)
def test_ignored_point_changes_nothing_but_the_mean(coord, label):
    loss, gradient = gradient_of_planes([[15.5, 33.5]], [1])
    assert gradient.any()
    with_ignored, its_gradient = gradient_of_planes([[15.5, 33.5], coord], [1, label])
    torch.testing.assert_close(with_ignored, loss / 2)
    torch.testing.assert_close(its_gradient, gradient / 2)


def test_only_the_plane_of_the_object_has_a_gradient():
    _, gradient = gradient_of_planes([[15.5, 33.5]], [1])
    assert gradient.flatten(2).any(2).tolist() == [[False, True, False]]
