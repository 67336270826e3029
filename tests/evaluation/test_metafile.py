import re

import pytest
import yaml

from mmpointrend.evaluation.metafile import fill_metafile, model_names

from ..configs.catalogue import ROOT

TEXT = """\
Collections:
  - Name: C  # of two

Models:
  # the first
  - Name: a_1x
    In Collection: C
    Metadata:
      Training Data: COCO
      Epochs: 12
    Results:
      - Task: Object Detection
        Dataset: COCO
        Metrics:
          box AP: 1.0
    Weights: https://example.org/a.pth

  # the second
  - Name: a_1x_more
    In Collection: C
    Metadata:
      Training Data: Data Science Bowl
"""


def test_results_are_replaced_where_they_are():
    filled = fill_metafile(TEXT, {'a_1x': {'mask AP': 37.26, 'boundary AP': 20.0}})
    old = '      - Task: Object Detection\n        Dataset: COCO\n'
    old += '        Metrics:\n          box AP: 1.0\n'
    new = '      - Task: Instance Segmentation\n        Dataset: COCO\n'
    new += '        Metrics:\n          mask AP: 37.3\n          boundary AP: 20.0\n'
    assert filled == TEXT.replace(old, new)


def test_new_results_are_the_end_of_the_model():
    filled = fill_metafile(TEXT, {'a_1x_more': {'mask AP': 5.0}})
    assert filled.startswith(TEXT)
    assert yaml.safe_load(filled)['Models'][1]['Results'] == [
        {
            'Task': 'Instance Segmentation',
            'Dataset': 'Data Science Bowl',
            'Metrics': {'mask AP': 5.0},
        }
    ]


def test_filling_twice_changes_nothing():
    results = {'a_1x': {'mask AP': 37.0}, 'a_1x_more': {'mask AP': 5.0}}
    filled = fill_metafile(TEXT, results)
    assert fill_metafile(filled, results) == filled


def test_no_results_leave_the_text():
    assert fill_metafile(TEXT, {}) == TEXT


def test_an_unknown_model_is_an_error():
    with pytest.raises(ValueError, match='found no model b_1x'):
        fill_metafile(TEXT, {'b_1x': {}})


def test_another_layout_is_an_error_and_never_a_broken_file():
    four = re.sub('(?m)^  ', '    ', TEXT)
    with pytest.raises(ValueError, match='lines "- Name: a_1x", expected one'):
        fill_metafile(four, {'a_1x': {'mask AP': 1.0}})
    broken = TEXT.replace('    In Collection: C\n', '    In Collection: C\n\n')
    with pytest.raises(ValueError, match='another layout'):
        fill_metafile(broken, {'a_1x': {'mask AP': 1.0}})


@pytest.mark.parametrize('text', ['a: b: c', '[]', 'Collections: []'])
def test_no_metafile_is_an_error(text):
    with pytest.raises(ValueError, match='found no'):
        model_names(text)


@pytest.mark.parametrize('path', sorted(ROOT.glob('*/metafile.yml')), ids=lambda p: p.parent.name)
def test_every_model_of_the_zoo_can_be_filled(path):
    text = path.read_text()
    filled = fill_metafile(text, {name: {'mask AP': 12.3} for name in model_names(text)})
    for model in yaml.safe_load(filled)['Models']:
        assert [result['Metrics'] for result in model['Results']] == [{'mask AP': 12.3}]
