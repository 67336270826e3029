"""The toy of PointINS: weights of each instance tell apart what meets at a location, static ones do
not."""

from types import ModuleType

import cv2
import numpy as np
import pytest
import torch

NUM_IMAGES, ITERATIONS = 3, 160


@pytest.fixture(scope='module')
def results() -> dict[bool, list]:
    """What each model predicts after training, filled by the first test that needs it."""
    return {}


@pytest.fixture
def meetings(script: ModuleType, results: dict[bool, list]):
    def predict(static_weights: bool) -> list:
        if static_weights not in results:
            toy = script.make_toy(NUM_IMAGES, np.random.default_rng(0))
            model, data = script.train(static_weights, *toy, ITERATIONS)
            results[static_weights] = script.meetings(model, data)
        return results[static_weights]

    return predict


def test_weights_of_each_instance_separate_objects_that_meet(meetings):
    ious = torch.stack([meeting.iou() for meeting in meetings(False)])
    assert ious.shape == (NUM_IMAGES, 3)
    assert ious.min() > 0.95


def test_static_weights_cannot(meetings):
    for meeting in meetings(True):
        assert torch.equal(meeting.logits[0], meeting.logits[2])
        assert meeting.iou().mean() < 0.85


def test_targets_are_the_shapes_in_their_boxes(meetings):
    for meeting in meetings(False):
        shares = meeting.targets.mean((1, 2))
        assert shares.min() > 0.3 and shares.max() < 0.9


def test_figure_has_all_panels(script, meetings, tmp_path):
    images, samples = script.make_toy(NUM_IMAGES, np.random.default_rng(0))
    boxes = samples[0].gt_instances.bboxes
    figure = script.draw(images[0], boxes, meetings(False)[0], meetings(True)[0])
    script.save_figure(figure, tmp_path / 'figure.png')
    picture = cv2.imread(str(tmp_path / 'figure.png'))
    quarters = np.array_split(picture, 4, axis=1)
    assert min(len(np.unique(part.reshape(-1, 3), axis=0)) for part in quarters) > 20


@pytest.mark.parametrize(
    'shape', ['ellipse', 'diamond', 'triangle', 'cross', 'ring'], ids=lambda shape: shape
)
def test_shape_fills_its_box(script, shape):
    mask = script.draw_shape(shape, np.array([10.0, 20.0, 42.0, 40.0]))
    rows, columns = np.nonzero(mask)
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    # A tip may be narrower than a pixel.
    assert np.abs(np.array(found) - [10, 20, 42, 40]).max() <= 1
