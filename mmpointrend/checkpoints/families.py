"""How other projects name the tensors of our models: one table of rules per project.

A rule is a regular expression for the whole name of a tensor, and what that tensor is called here:
a replacement for :meth:`re.Match.expand`, or a function of the groups where a number changes.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Rename:
    """A tensor of a model.

    Attributes:
        pattern: Matches its name in the other project.
        name: Its name here.
        change: Makes our tensor of the other one, where more than the name differs.
    """

    pattern: str
    name: str | Callable[..., str]
    change: Callable[[Tensor], Tensor] | None = None

    def rename(self, match: re.Match) -> str:
        """Return the name here."""
        return match.expand(self.name) if isinstance(self.name, str) else self.name(*match.groups())


@dataclass(frozen=True)
class Drop:
    """A tensor that our models do not have.

    Attributes:
        pattern: Matches its name in the other project.
        reason: Why nothing is lost.
    """

    pattern: str
    reason: str


Rule = Rename | Drop


def linear_layer(weight: Tensor) -> Tensor:
    """Turn a convolution over points into the linear layer that it is: (out, in, 1) to (out, in).

    Args:
        weight: Its weight, or its bias of shape (out,), which stays.
    """
    return weight.squeeze(2) if weight.ndim == 3 else weight


def detectron2(names: Collection[str]) -> list[Rule]:
    """Rules for PointRend, Implicit PointRend, Mask R-CNN and semantic PointRend of detectron2.

    Args:
        names: All names of the checkpoint.

    Returns:
        The rules. They also serve the names from before PointRend's heads became parts of one mask
        head (``mask_coarse_head.coarse_mask_fc1``, ``mask_point_head``).
    """
    mask_head = 'roi_head.mask_head'
    return [
        Rename(r'backbone\.bottom_up\.stem\.conv1\.weight', 'backbone.conv1.weight'),
        Rename(r'backbone\.bottom_up\.stem\.conv1\.norm\.(\w+)', r'backbone.bn1.\1'),
        Rename(
            r'backbone\.bottom_up\.res(\d)\.(\d+)\.conv(\d)\.weight',
            lambda stage, block, i: f'{_layer(stage, block)}.conv{i}.weight',
        ),
        Rename(
            r'backbone\.bottom_up\.res(\d)\.(\d+)\.conv(\d)\.norm\.(\w+)',
            lambda stage, block, i, leaf: f'{_layer(stage, block)}.bn{i}.{leaf}',
        ),
        Rename(
            r'backbone\.bottom_up\.res(\d)\.(\d+)\.shortcut\.weight',
            lambda stage, block: f'{_layer(stage, block)}.downsample.0.weight',
        ),
        Rename(
            r'backbone\.bottom_up\.res(\d)\.(\d+)\.shortcut\.norm\.(\w+)',
            lambda stage, block, leaf: f'{_layer(stage, block)}.downsample.1.{leaf}',
        ),
        Rename(
            r'backbone\.fpn_(lateral|output)(\d)\.(weight|bias)',
            lambda kind, level, leaf: (
                f'neck.{"fpn" if kind == "output" else kind}_convs.{int(level) - 2}.conv.{leaf}'
            ),
        ),
        Rename(r'proposal_generator\.rpn_head\.conv\.(weight|bias)', r'rpn_head.rpn_conv.\1'),
        Rename(r'proposal_generator\.rpn_head\.objectness_logits\.(\w+)', r'rpn_head.rpn_cls.\1'),
        Rename(r'proposal_generator\.rpn_head\.anchor_deltas\.(\w+)', r'rpn_head.rpn_reg.\1'),
        Rename(
            r'roi_heads\.box_head\.fc(\d)\.(\w+)',
            lambda i, leaf: f'roi_head.bbox_head.shared_fcs.{int(i) - 1}.{leaf}',
        ),
        Rename(r'roi_heads\.box_predictor\.cls_score\.(\w+)', r'roi_head.bbox_head.fc_cls.\1'),
        Rename(r'roi_heads\.box_predictor\.bbox_pred\.(\w+)', r'roi_head.bbox_head.fc_reg.\1'),
        Rename(
            r'roi_heads\.mask_head\.mask_fcn(\d)\.(weight|bias)',
            lambda i, leaf: f'{mask_head}.convs.{int(i) - 1}.conv.{leaf}',
        ),
        Rename(r'roi_heads\.mask_head\.deconv\.(\w+)', rf'{mask_head}.upsample.\1'),
        Rename(r'roi_heads\.mask_head\.predictor\.(\w+)', rf'{mask_head}.conv_logits.\1'),
        *_conv_fc(r'roi_heads\.mask_(?:head\.)?coarse_head', f'{mask_head}.coarse_head', names),
        *_conv_fc(r'roi_heads\.mask_head\.parameter_head', f'{mask_head}.parameter_head', names),
        *_point_head(r'roi_heads\.mask_(?:head\.)?point_head', f'{mask_head}.point_head'),
        Rename(
            r'roi_heads\.mask_head\.point_head\.positional_encoding_gaussian_matrix',
            f'{mask_head}.point_head.frequencies',
        ),
        Rename(
            r'sem_seg_head\.coarse_sem_seg_head\.p(\d)\.(\d)\.weight',
            lambda level, i: f'{_scale_head(level, i)}.conv.weight',
        ),
        Rename(
            r'sem_seg_head\.coarse_sem_seg_head\.p(\d)\.(\d)\.norm\.(weight|bias)',
            lambda level, i, leaf: f'{_scale_head(level, i)}.gn.{leaf}',
        ),
        Rename(
            r'sem_seg_head\.coarse_sem_seg_head\.predictor\.(\w+)', r'decode_head.0.conv_seg.\1'
        ),
        *_point_head(r'sem_seg_head\.point_head', 'decode_head.1.point_head'),
        Drop(r'pixel_(mean|std)', 'data_preprocessor of the config normalises pixels'),
        Drop(
            r'proposal_generator\.anchor_generator\.cell_anchors\.\d',
            'anchor_generator of the config makes anchors',
        ),
    ]


def mmdet(names: Collection[str]) -> list[Rule]:
    """Rules for mmdet's PointRend.

    Args:
        names: All names of the checkpoint; they make no difference.

    Returns:
        The rules.
    """
    coarse = 'roi_head.mask_head.coarse_head'
    point = 'roi_head.mask_head.point_head'
    return [
        Rename(r'((?:backbone|neck|rpn_head|roi_head\.bbox_head)\..+)', r'\1'),
        Rename(r'roi_head\.mask_head\.downsample_conv\.conv\.(\w+)', rf'{coarse}.convs.0.\1'),
        Rename(
            r'roi_head\.mask_head\.fcs\.(\d)\.(\w+)',
            lambda i, leaf: f'{coarse}.fcs.{2 * int(i)}.{leaf}',
        ),
        Rename(r'roi_head\.mask_head\.fc_logits\.(\w+)', rf'{coarse}.prediction.\1'),
        Rename(
            r'roi_head\.point_head\.fcs\.(\d)\.conv\.(\w+)', rf'{point}.fcs.\1.\2', linear_layer
        ),
        Rename(r'roi_head\.point_head\.fc_logits\.(\w+)', rf'{point}.predictor.\1', linear_layer),
    ]


def mmseg(names: Collection[str]) -> list[Rule]:
    """Rules for mmseg's PointRend, whatever its first decode head.

    Args:
        names: All names of the checkpoint; they make no difference.

    Returns:
        The rules.
    """
    point = 'decode_head.1.point_head'
    return [
        Rename(r'((?:backbone|neck|decode_head\.0|auxiliary_head)\..+)', r'\1'),
        Rename(r'decode_head\.1\.fcs\.(\d)\.conv\.(\w+)', rf'{point}.fcs.\1.\2', linear_layer),
        Rename(r'decode_head\.1\.fc_seg\.(\w+)', rf'{point}.predictor.\1', linear_layer),
    ]


# By family: names that no other family has, and its rules.
FAMILIES = {
    'detectron2': (r'backbone\.bottom_up\..+|roi_heads\..+|sem_seg_head\..+', detectron2),
    'mmdet': (r'roi_head\.point_head\..+', mmdet),
    'mmseg': (r'decode_head\.1\.fc.+', mmseg),
}


def _layer(stage: str, block: str) -> str:
    return f'backbone.layer{int(stage) - 1}.{block}'


def _scale_head(level: str, index: str) -> str:
    # The layers between the convolutions, which double the size, count in both.
    return f'decode_head.0.scale_heads.{int(level) - 2}.{index}'


def _conv_fc(theirs: str, ours: str, names: Collection[str]) -> list[Rule]:
    """Rules of a head that is a ConvFCHead here, where every second layer is an activation."""
    first_conv = rf'{theirs}\.reduce_channel_dim_conv\.weight'
    second = 2 if any(re.fullmatch(first_conv, name) for name in names) else 0
    return [
        Rename(rf'{theirs}\.reduce_channel_dim_conv\.(\w+)', rf'{ours}.convs.0.\1'),
        Rename(rf'{theirs}\.reduce_spatial_dim_conv\.(\w+)', rf'{ours}.convs.{second}.\1'),
        Rename(
            rf'{theirs}\.(?:coarse_mask_)?fc(\d)\.(\w+)',
            lambda i, leaf: f'{ours}.fcs.{2 * (int(i) - 1)}.{leaf}',
        ),
        Rename(rf'{theirs}\.prediction\.(\w+)', rf'{ours}.prediction.\1'),
    ]


def _point_head(theirs: str, ours: str) -> list[Rule]:
    return [
        Rename(
            rf'{theirs}\.fc(\d)\.(\w+)',
            lambda i, leaf: f'{ours}.fcs.{int(i) - 1}.{leaf}',
            linear_layer,
        ),
        Rename(rf'{theirs}\.predictor\.(\w+)', rf'{ours}.predictor.\1', linear_layer),
    ]
