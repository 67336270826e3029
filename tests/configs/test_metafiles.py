"""The metafiles list the configs beside them."""

import pytest
import yaml

from .catalogue import ALL_PATHS, ROOT, fields

FOLDERS = sorted({path.parent for path in ALL_PATHS})
every_folder = pytest.mark.parametrize('folder', FOLDERS, ids=lambda folder: folder.name)


def metafile(folder):
    return yaml.safe_load((folder / 'metafile.yml').read_text())


@every_folder
def test_model_index_has_the_folder(folder):
    index = yaml.safe_load((ROOT.parent / 'model-index.yml').read_text())
    assert f'configs/{folder.name}/metafile.yml' in index['Import']


@every_folder
def test_every_config_is_listed_but_that_of_the_demo(folder):
    configs = [
        path for path in ALL_PATHS if path.parent == folder and fields(path)['dataset'] != 'toy'
    ]
    listed = {model['Name']: model['Config'] for model in metafile(folder)['Models']}
    assert listed == {path.stem: f'configs/{folder.name}/{path.name}' for path in configs}


@every_folder
def test_every_model_is_in_the_collection_of_the_folder(folder):
    (collection,) = metafile(folder)['Collections']
    assert {model['In Collection'] for model in metafile(folder)['Models']} == {collection['Name']}
    assert (ROOT.parent / collection['README']).parent == folder
