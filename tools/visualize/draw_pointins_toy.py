"""Show what instance-aware weights are for: objects that meet at one location.

Each image of the toy has three translucent shapes with the same centre, each in the box of another
anchor. A small PointINS is trained on it twice, with weights of each instance and with static ones,
which cannot tell the shapes apart. Prints how well the masks fit, and draws what the two models see
at one location to pointins_toy.png.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from torch import Tensor
from tqdm import tqdm

from mmpointrend.models.mask_heads.point_ins_mask_head import instance_aware_convolution
from mmpointrend.models.region_masks import RegionMasks
from mmpointrend.visualization import save_figure

CONFIG = Path(__file__).parents[2] / 'configs/_base_/models/pointins-retina_r50_fpn.py'
SIDE, STRIDE, CHANNELS = 64, 8, 32
# Sides of the anchors at a location, which have the same area.
ANCHORS = [(45, 23), (32, 32), (23, 45)]
SHAPES = ['ellipse', 'diamond', 'triangle', 'cross', 'ring']
COLOURS = ['#d62728', '#2ca02c', '#1f77b4']


class Meeting(NamedTuple):
    """What a model predicts where the three objects of an image meet.

    Attributes:
        template: The template that they share, shape (C_t, K, K).
        weights: Weights of each, shape (3, C_m, C_t + 1).
        features: Mask features of each, shape (3, C_m, K, K).
        logits: Mask of each relative to its box, shape (3, S, S).
        targets: What the masks should be, in {0, 1}, shape (3, S, S).
    """

    template: Tensor
    weights: Tensor
    features: Tensor
    logits: Tensor
    targets: Tensor

    def iou(self) -> Tensor:
        """IoU of each mask with its target, shape (3,)."""
        masks, targets = self.logits > 0, self.targets > 0.5
        return (masks & targets).sum((1, 2)) / (masks | targets).sum((1, 2))


def draw_shape(shape: str, box: np.ndarray) -> np.ndarray:
    """A mask of the whole image, shape (SIDE, SIDE), uint8, that fills a box (x1, y1, x2, y2)."""
    x, y = (np.arange(SIDE) + 0.5 - box[:2, None]) / (box[2:] - box[:2])[:, None] * 2 - 1
    x, y = np.meshgrid(x, y)
    inside = {
        'ellipse': np.hypot(x, y) < 1,
        'diamond': abs(x) + abs(y) < 1,
        'triangle': 2 * abs(x) < y + 1,
        'cross': np.minimum(abs(x), abs(y)) < 0.35,
        'ring': abs(np.hypot(x, y) - 0.75) < 0.25,
    }[shape]
    return np.uint8(inside & (np.maximum(abs(x), abs(y)) < 1))


def make_toy(num_images: int, generator: np.random.Generator) -> tuple[np.ndarray, list]:
    """Draw images (N, H, W, 3), uint8, and their objects."""
    images, samples = [], []
    for _ in range(num_images):
        centre = STRIDE * generator.integers(3, 6, size=2)
        sides = np.array(ANCHORS) + generator.integers(-2, 3, size=(3, 2))
        boxes = np.concatenate((centre - sides / 2, centre + sides / 2), 1)
        shapes = generator.permutation(SHAPES)[:3]
        masks = np.stack([draw_shape(*pair) for pair in zip(shapes, boxes, strict=True)])
        # One colour channel for each object, so that all of each is seen.
        images.append(np.uint8(50 + 150 * masks).transpose(1, 2, 0))
        sample = DetDataSample(metainfo={'img_shape': (SIDE, SIDE), 'ori_shape': (SIDE, SIDE)})
        sample.gt_instances = InstanceData(
            bboxes=torch.from_numpy(boxes).float(),
            labels=torch.zeros(3, dtype=torch.int64),
            masks=BitmapMasks(masks, SIDE, SIDE),
        )
        samples.append(sample)
    return np.stack(images), samples


def build(static_weights: bool) -> torch.nn.Module:
    """Build the model of the configs with one level, three anchors, and few channels."""
    model = Config.fromfile(CONFIG).model
    model.backbone.update(
        depth=18,
        base_channels=16,
        num_stages=2,
        strides=(1, 2),
        dilations=(1, 1),
        out_indices=(1,),
        frozen_stages=-1,
        norm_eval=False,
        init_cfg=None,
    )
    model.neck.update(in_channels=[32], out_channels=CHANNELS, start_level=0, num_outs=1)
    model.bbox_head.update(
        num_classes=1, in_channels=CHANNELS, feat_channels=CHANNELS, stacked_convs=1
    )
    model.bbox_head.anchor_generator.update(scales_per_octave=1, strides=[STRIDE])
    model.mask_head.update(
        in_channels=CHANNELS,
        feat_channels=CHANNELS,
        stacked_convs=2,
        predictor_channels=16,
        max_positives=24,
        num_slots=3,
        strides=[STRIDE],
        norm_cfg={'type': 'GN', 'num_groups': 8},
        static_weights=static_weights,
    )
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(model)
        model.init_weights()
    return model


def train(static_weights: bool, images: np.ndarray, samples: list, iterations: int):
    """Train a model on the toy, and return it with the preprocessed images."""
    torch.manual_seed(0)
    model = build(static_weights).train()
    inputs = [torch.from_numpy(image).permute(2, 0, 1) for image in images]
    data = model.data_preprocessor({'inputs': inputs, 'data_samples': samples}, True)
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, iterations)
    name = 'static weights' if static_weights else 'instance-aware weights'
    for _ in tqdm(range(iterations), name):
        loss, _ = model.parse_losses(model(**data, mode='loss'))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10)
        optimizer.step()
        schedule.step()
    return model, data


@torch.no_grad()
def meetings(model: torch.nn.Module, data: dict) -> list[Meeting]:
    """Predict the objects of each image where the anchors of all of them are positive."""
    x = model.extract_feat(data['inputs'])
    model.bbox_head.loss(x, data['data_samples'])
    found, head = [], model.mask_head
    for i, (positives, sample) in enumerate(
        zip(model.bbox_head.get_positive_infos(), data['data_samples'], strict=True)
    ):
        pois, counts = positives.pois.unique(return_counts=True)
        (at,) = pois[counts == 3]
        positives = positives[positives.pois == at]
        positives = positives[positives.objects.argsort()]
        level = [level[i : i + 1] for level in x]
        images = torch.zeros_like(positives.pois)
        templates, template_of = head.predict_templates(level, images, positives.pois)
        weights = head.predict_weights(
            level, images, positives.pois, positives.slots, positives.bboxes
        )
        truth = sample.gt_instances
        targets = RegionMasks([truth.bboxes], [positives.objects], [truth.masks])
        found.append(
            Meeting(
                templates[0],
                weights,
                instance_aware_convolution(templates, template_of, weights, head.dyn_kernel),
                head(level, [positives])[0][:, 0],
                targets.at_cells(head.mask_size).labels.unflatten(1, head.mask_size),
            )
        )
    return found


def tile(maps: Tensor) -> np.ndarray:
    """Sixteen maps (16, K, K) as one picture, each scaled to [0, 1], with gaps between them."""
    low, high = maps.amin((1, 2), True), maps.amax((1, 2), True)
    maps = (maps - low) / (high - low).clamp(min=1e-6)
    maps = torch.nn.functional.pad(maps, (1, 1, 1, 1), value=float('nan'))
    rows = maps.unflatten(0, (4, 4)).permute(0, 2, 1, 3)
    return rows.flatten(2).flatten(0, 1).numpy()


def draw(image: np.ndarray, boxes: Tensor, dynamic: Meeting, static: Meeting) -> Figure:
    """Draw what the models predict for the first and the last object of an image."""
    figure = Figure(figsize=(15, 5.4), layout='constrained')
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 6)
    scene, template = (figure.add_subplot(grid[:, i]) for i in (0, 1))
    scene.imshow(image, extent=(0, SIDE, SIDE, 0), interpolation='nearest')
    centre = (boxes[0, :2] + boxes[0, 2:]) / 2
    scene.plot(*centre, 'o', color='white', markersize=9, markeredgecolor='black')
    scene.set_title('objects that meet at a PoI')
    template.imshow(tile(dynamic.template), cmap='viridis')
    template.set_title('its template, 16 maps')
    limit = dynamic.weights.abs().max().item()
    titles = ('instance-aware weights', 'mask features', 'mask', 'mask, static weights')
    for row, i in enumerate((0, 2)):
        corner, size = boxes[i, :2].tolist(), (boxes[i, 2:] - boxes[i, :2]).tolist()
        scene.add_patch(Rectangle(corner, *size, fill=False, color=COLOURS[i], linewidth=2.5))
        weights, features, *masks = (figure.add_subplot(grid[row, j]) for j in range(2, 6))
        weights.imshow(dynamic.weights[i], cmap='RdBu', vmin=-limit, vmax=limit)
        features.imshow(tile(dynamic.features[i]), cmap='viridis')
        for axis, meeting in zip(masks, (dynamic, static), strict=True):
            draw_mask(axis, meeting, i, boxes[i].tolist())
        if row == 0:
            for axis, title in zip((weights, features, *masks), titles, strict=True):
                axis.set_title(title)
    for axis in figure.axes:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return figure


def draw_mask(axis: Axes, meeting: Meeting, i: int, box: list[float]) -> None:
    """A mask, in grey, in its box, and the outline of what it should be."""
    x1, y1, x2, y2 = box
    side = meeting.logits.shape[-1]
    axis.imshow(meeting.logits[i].sigmoid(), cmap='gray', vmin=0, vmax=1, extent=(x1, x2, y2, y1))
    # With a border of background, so that the outline is closed.
    outline = torch.nn.functional.pad(meeting.targets[i], (1, 1, 1, 1))
    cells = (np.arange(-1, side + 1) + 0.5) / side
    axis.contour(
        x1 + (x2 - x1) * cells,
        y1 + (y2 - y1) * cells,
        outline,
        levels=[0.5],
        colors=[COLOURS[i]],
        linewidths=2,
    )
    x, y, half = (x1 + x2) / 2, (y1 + y2) / 2, 0.55 * max(x2 - x1, y2 - y1)
    axis.set(xlim=(x - half, x + half), ylim=(y + half, y - half), facecolor='#dddddd')
    axis.set_xlabel(f'IoU {meeting.iou()[i]:.2f}')


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--out', type=Path, default=Path('docs/images'))
    parser.add_argument('--images', type=int, default=4)
    parser.add_argument('--iterations', type=int, default=300)
    args = parser.parse_args()
    images, samples = make_toy(args.images, np.random.default_rng(0))
    found = []
    for static_weights in (False, True):
        model, data = train(static_weights, images, samples, args.iterations)
        found.append(meetings(model, data))
        ious = torch.cat([meeting.iou() for meeting in found[-1]])
        print(f'static weights {static_weights}: IoU mean {ious.mean():.3f}, min {ious.min():.3f}')
    dynamic, static = found
    boxes = samples[0].gt_instances.bboxes
    save_figure(draw(images[0], boxes, dynamic[0], static[0]), args.out / 'pointins_toy.png')


if __name__ == '__main__':
    main()
