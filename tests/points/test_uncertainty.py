import pytest
import torch

from mmpointrend.points import uncertainty

from ..reference import assert_same, load_reference


@pytest.mark.parametrize(
    'case', load_reference('calculate_uncertainty')['mask'], ids=lambda c: c['name']
)
def test_one_plane_matches_reference(case):
    logits = case['logits']
    if logits.shape[1] > 1:
        logits = logits[torch.arange(len(logits)), case['classes']][:, None]
    assert_same(uncertainty(logits, dim=1)[:, None], case['output'])


@pytest.mark.parametrize(
    'case', load_reference('calculate_uncertainty')['semantic'], ids=lambda c: c['name']
)
def test_several_channels_match_reference(case):
    assert_same(uncertainty(case['sem_seg_logits'], dim=1)[:, None], case['output'])


def test_most_uncertain_is_the_even_decision():
    assert uncertainty(torch.tensor([[-3.0], [0.0], [0.5]])).argmax() == 1
    assert uncertainty(torch.tensor([[3.0, 0.0, 1.0], [2.0, 2.0, -9.0]])).argmax() == 1
