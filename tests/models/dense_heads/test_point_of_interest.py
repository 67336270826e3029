"""The box heads of PointINS: those of mmdet, and where each instance comes from."""

from functools import cache

import pytest
import torch
from mmdet.models.dense_heads import FCOSHead, RetinaHead
from mmdet.structures.bbox import bbox_overlaps
from mmdet.utils import InstanceList

from ..tiny_point_ins import NUM_CLASSES, STRIDES, batch, image, tiny_point_ins

PARENTS = {'fcos': FCOSHead, 'retina': RetinaHead}
SLOTS = {'fcos': 1, 'retina': 9}
every_detector = pytest.mark.parametrize('detector', PARENTS)

SMALL, LARGE = (56, 72), (96, 128)
# In the small image, 64 x 96 with its padding, objects are near the sides that the large one lacks.
SAMPLES = [
    (SMALL, [[2, 4, 40, 36], [30, 20, 70, 54], [4, 30, 28, 54]], [0, 2, 1]),
    (LARGE, [[70, 40, 126, 90], [10, 10, 50, 42], [60, 8, 90, 30]], [1, 0, 2]),
]
# Rows and columns of each level, of the batch.
SIZES = [(12, 16), (6, 8)]


@cache
def build(detector: str):
    return tiny_point_ins(detector)


def losses(detector: str, samples: list) -> tuple[dict, InstanceList, list]:
    """Losses of the box head, its positives, and the ground truth."""
    model = build(detector).train()
    data = batch(model, [image(*sample) for sample in samples])
    torch.manual_seed(0)
    found = model.bbox_head.loss(model.extract_feat(data['inputs']), data['data_samples'])
    truth = [sample.gt_instances for sample in data['data_samples']]
    return found, model.bbox_head.get_positive_infos(), truth


def place(poi: int) -> tuple[int, int, int]:
    """Level, row and column of a PoI."""
    for level, (height, width) in enumerate(SIZES):
        if poi < height * width:
            return level, poi // width, poi % width
        poi -= height * width
    raise IndexError(poi)


def as_lists(positives) -> tuple[list[int], list[list[float]]]:
    """PoIs and boxes."""
    return positives.pois.tolist(), positives.bboxes.tolist()


def anchors_of(positives) -> torch.Tensor:
    """Anchors (R, 4) of places, from the definition: 3 ratios, then 3 scales of each."""
    boxes = []
    for poi, slot in zip(positives.pois.tolist(), positives.slots.tolist(), strict=True):
        level, row, column = place(poi)
        side = 4 * 2 ** (slot % 3 / 3) * STRIDES[level]
        ratio = (0.5, 1.0, 2.0)[slot // 3]
        width, height = side / ratio**0.5, side * ratio**0.5
        x, y = column * STRIDES[level], row * STRIDES[level]
        boxes.append([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    return torch.tensor(boxes).view(-1, 4)


# -------------------------------------------------------------------------------------- training


@every_detector
@pytest.mark.parametrize('last', [SAMPLES[1], (LARGE, [], [])], ids=['objects', 'no-objects'])
def test_losses_are_those_of_the_parent_class(detector, last, monkeypatch):
    samples = [SAMPLES[0], last]
    found, _, _ = losses(detector, samples)
    head, parent = type(build(detector).bbox_head), PARENTS[detector]
    for method in ('_get_targets_single', 'loss_by_feat'):
        monkeypatch.setattr(head, method, getattr(parent, method))
    expected, _, _ = losses(detector, samples)
    for key in ('loss_cls', 'loss_bbox'):
        actual = torch.as_tensor(found[key]).detach()
        torch.testing.assert_close(actual, torch.as_tensor(expected[key]).detach())


@every_detector
def test_positives_lie_on_their_objects(detector):
    _, infos, truth = losses(detector, SAMPLES)
    for positives, instances in zip(infos, truth, strict=True):
        assert set(positives.objects.tolist()) == {0, 1, 2}
        assert torch.equal(positives.bboxes, instances.bboxes[positives.objects])
        assert positives.slots.max() < SLOTS[detector]
        for poi, (x1, y1, x2, y2) in zip(*as_lists(positives), strict=True):
            level, row, column = place(poi)
            x, y = ((cell + 0.5) * STRIDES[level] for cell in (column, row))
            assert x1 - 8 < x < x2 + 8 and y1 - 8 < y < y2 + 8


def test_anchors_of_positives_overlap_with_their_objects_most():
    _, infos, truth = losses('retina', SAMPLES)
    for positives, instances in zip(infos, truth, strict=True):
        overlaps = bbox_overlaps(anchors_of(positives), instances.bboxes)
        most, objects = overlaps.max(1)
        assert torch.equal(objects, positives.objects)
        assert most.min() >= 0.5


def test_all_anchors_that_overlap_enough_are_positives():
    _, infos, truth = losses('retina', SAMPLES)
    # The large image fills the batch; in the small one, anchors beyond its padding are not valid.
    locations = torch.arange(sum(height * width for height, width in SIZES))
    every = type(infos[0])(
        pois=locations.repeat_interleave(9), slots=torch.arange(9).repeat(len(locations))
    )
    overlaps = bbox_overlaps(anchors_of(every), truth[1].bboxes).max(1).values
    expected = every[overlaps >= 0.5]
    assert torch.equal(infos[1].pois, expected.pois)
    assert torch.equal(infos[1].slots, expected.slots)


def test_indices_of_mmdet_would_be_shifted_here():
    _, infos, _ = losses('retina', SAMPLES)
    raw = build('retina').bbox_head._raw_positive_infos['sampling_results']
    shifted, straight = (
        set((positives.pois * 9 + positives.slots).tolist()) - set(result.pos_inds.tolist())
        for positives, result in zip(infos, raw, strict=True)
    )
    assert shifted and not straight


def test_low_quality_matches_have_no_mask():
    # No anchor has half of its area in common with so thin an object.
    _, (positives,), _ = losses('retina', [(LARGE, [[10, 10, 110, 14], [10, 40, 50, 80]], [0, 0])])
    assert set(positives.objects.tolist()) == {1}
    sampled = build('retina').bbox_head._raw_positive_infos['sampling_results'][0]
    assert 0 in sampled.pos_assigned_gt_inds


def test_locations_of_positives_are_near_the_middle_of_their_objects():
    _, infos, _ = losses('fcos', SAMPLES)
    for positives in infos:
        middles = (positives.bboxes[:, :2] + positives.bboxes[:, 2:]) / 2
        for poi, middle in zip(positives.pois.tolist(), middles.tolist(), strict=True):
            level, row, column = place(poi)
            centre = [(cell + 0.5) * STRIDES[level] for cell in (column, row)]
            assert max(abs(a - b) for a, b in zip(centre, middle, strict=True)) < (
                1.5 * STRIDES[level]
            )


def test_weight_of_a_location_is_its_centreness():
    _, infos, _ = losses('fcos', SAMPLES)
    for positives in infos:
        weights = positives.weights.tolist()
        for poi, (x1, y1, x2, y2), weight in zip(*as_lists(positives), weights, strict=True):
            level, row, column = place(poi)
            x, y = ((cell + 0.5) * STRIDES[level] for cell in (column, row))
            across, down = (x - x1, x2 - x), (y - y1, y2 - y)
            expected = (min(across) / max(across) * min(down) / max(down)) ** 0.5
            assert weight == pytest.approx(expected, rel=1e-5)


def test_anchors_weigh_the_same():
    _, infos, _ = losses('retina', SAMPLES)
    assert all((positives.weights == 1).all() for positives in infos)


@every_detector
def test_image_without_objects_has_no_positives(detector):
    _, (empty, other), _ = losses(detector, [(SMALL, [], []), SAMPLES[1]])
    assert len(empty) == 0 < len(other)
    assert set(empty.keys()) == set(other.keys())


# ------------------------------------------------------------------------------------ prediction


def detect(detector: str, rescale: bool = False) -> tuple[tuple, InstanceList]:
    """Outputs of the box head, and the detections of two images of different size."""
    model = build(detector).eval()
    data = batch(model, [image(*sample) for sample in SAMPLES], training=False)
    metas = [sample.metainfo for sample in data['data_samples']]
    with torch.no_grad():
        outputs = model.bbox_head(model.extract_feat(data['inputs']))
        for scores in outputs[0]:
            # As initialised, all are the same.
            scores.sub_(scores.mean()).mul_(3 / scores.std())
        found = model.bbox_head.predict_by_feat(
            *outputs, batch_img_metas=metas, cfg=model.test_cfg, rescale=rescale
        )
    return outputs, found


@every_detector
@pytest.mark.parametrize('rescale', [False, True])
def test_detections_are_those_of_the_parent_class(detector, rescale, monkeypatch):
    _, found = detect(detector, rescale)
    head, method = type(build(detector).bbox_head), '_predict_by_feat_single'
    monkeypatch.setattr(head, method, getattr(PARENTS[detector], method))
    _, expected = detect(detector, rescale)
    for ours, theirs in zip(found, expected, strict=True):
        assert len(ours) > 10
        for key in theirs.keys():  # noqa: SIM118 (iterating over it gives its items)
            assert torch.equal(ours[key], theirs[key])


@every_detector
def test_detections_know_where_they_were_predicted(detector):
    outputs, found = detect(detector)
    head = build(detector).bbox_head
    for i, detections in enumerate(found):
        for detection in detections:
            level, row, column = place(detection.pois.item())
            slot, label = detection.slots.item(), detection.labels.item()
            logits, boxes, *factors = (maps[level][i, :, row, column] for maps in outputs)
            score = logits[slot * NUM_CLASSES + label].sigmoid()
            for factor in factors:
                score = score * factor[0].sigmoid()
            torch.testing.assert_close(score, detection.scores[0])
            prior = anchors_of(detection)
            if detector == 'fcos':
                prior = torch.tensor([[column + 0.5, row + 0.5]]) * STRIDES[level]
            box = head.bbox_coder.decode(prior, boxes.view(-1, 4)[[slot]], max_shape=SAMPLES[i][0])
            torch.testing.assert_close(box, detection.bboxes, rtol=1e-4, atol=1e-3)
