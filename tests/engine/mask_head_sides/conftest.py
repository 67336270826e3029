from pathlib import Path

import pytest
import torch
from mmengine.config import Config, ConfigDict

from mmpointrend.engine.mask_head_sides import Inputs, make_inputs

CONFIG = Path(__file__).parents[3] / 'configs/_base_/models/pointrend_r50_fpn.py'


@pytest.fixture
def inputs() -> Inputs:
    torch.manual_seed(0)
    return make_inputs(num_boxes=4, num_classes=3, size=(64, 96), device='cpu')


@pytest.fixture
def config() -> ConfigDict:
    """Our model for the classes of the inputs."""
    torch.manual_seed(0)
    model = Config.fromfile(CONFIG).model
    model.roi_head.bbox_head.num_classes = 3
    model.train_cfg.rcnn.sampler.num = 8
    return model
