import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.models.dense_heads.base_mask_head import BaseMaskHead
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.models.task_modules.prior_generators import MlvlPointGenerator
from mmdet.structures import SampleList
from mmdet.utils import InstanceList, reduce_mean
from torch import Tensor, nn

from mmpointrend.points import sample_maps
from mmpointrend.registry import MODELS

from ..region_masks import RegionMasks


@MODELS.register_module()
class PointINSMaskHead(BaseMaskHead):
    """A PointINS-style mask head: masks from single columns of the feature maps.

    An instance belongs to a location, its point of interest (PoI), where several may meet. The PoI
    has one template, a small stack of maps that knows nothing of instances. Each instance has
    weights, which convolve the template into mask features of its own (the instance-aware
    convolution), and a predictor with static weights turns them into a mask relative to the
    instance's box. Two towers see the whole image; everything else is computed for the PoIs of
    instances only, so for detections after NMS.

    Source: PointINS: Point-based Instance Segmentation (arXiv:2003.06148), whose abstract and first
    figure say the above. The sizes, and what is marked as a switch, are ours.

    Args:
        in_channels: Channels of the feature levels.
        num_slots: Instances A that can meet at a PoI: boxes that the detector predicts there.
        strides: Image pixels per cell of each level; only the offset needs them.
        feat_channels: Channels D of the towers.
        stacked_convs: Convolutions of a tower.
        template_channels: Maps of a template, C_t.
        template_size: Side of a template, K; the mask has the side S = 2 K. A switch: 7, 14, 28.
        mask_channels: Maps of an instance after the instance-aware convolution, C_m.
        predictor_channels: Channels of the mask predictor.
        dyn_kernel: Side of the instance-aware convolution, odd. A switch: 1, 3.
        weight_input: What the weights are computed from. A switch: 'feature', or 'feature+offset',
            the distances from the PoI to the sides of the box as well (of the object's box in
            training, of the predicted one in a prediction).
        static_weights: Whether all instances have the same, learned, weights. A control: without
            weights of their own, instances that meet at a PoI have one mask. There is nothing
            to compute then, so ``weight_input`` has to keep its default.
        max_positives: Instances of an image that are trained, drawn evenly over its objects.
        norm_cfg: Config of the towers' normalisation.
        loss_mask: Config of the loss of a mask's cells, or at annotated points.
        train_cfg: Not used.
        test_cfg: ``mask_thr_binary``.

    Raises:
        ValueError: When ``dyn_kernel`` is not positive and odd, or ``weight_input`` unknown, or one
            that ``static_weights`` do not have.
    """

    # A mask is that of the instance, whatever its class.
    class_agnostic = True
    _predict_by_feat_single = FCNMaskHead._predict_by_feat_single

    def __init__(
        self,
        in_channels: int = 256,
        num_slots: int = 1,
        strides: Sequence[int] = (8, 16, 32, 64, 128),
        feat_channels: int = 256,
        stacked_convs: int = 4,
        template_channels: int = 16,
        template_size: int = 14,
        mask_channels: int = 16,
        predictor_channels: int = 64,
        dyn_kernel: int = 1,
        weight_input: str = 'feature',
        static_weights: bool = False,
        max_positives: int = 128,
        norm_cfg: dict = {'type': 'GN', 'num_groups': 32},  # noqa: B006
        loss_mask: dict = {'type': 'mmpointrend.PointCrossEntropyLoss'},  # noqa: B006
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
    ) -> None:
        if dyn_kernel < 1 or dyn_kernel % 2 != 1:
            raise ValueError(f'dyn_kernel must be positive and odd, got {dyn_kernel}')
        if weight_input not in ('feature', 'feature+offset'):
            raise ValueError(
                f"weight_input must be 'feature' or 'feature+offset', got {weight_input!r}"
            )
        if static_weights and weight_input != 'feature':
            raise ValueError(
                f"weight_input must be 'feature' with static_weights=True, got {weight_input!r}: "
                'static weights are not computed from anything'
            )
        deviations = {'template': 0.088, 'logits': 0.001}
        if not static_weights:
            deviations['weights'] = 0.01
        super().__init__(
            init_cfg={
                'type': 'Normal',
                'layer': 'Conv2d',
                'std': 0.01,
                'override': [
                    {'type': 'Kaiming', 'name': 'predictor'},
                    *(
                        {'type': 'Normal', 'name': name, 'std': std}
                        for name, std in deviations.items()
                    ),
                ],
            }
        )
        self.num_slots = num_slots
        self.strides = tuple(strides)
        self.template_shape = (template_channels, template_size, template_size)
        self.mask_size = (2 * template_size, 2 * template_size)
        self.dyn_kernel = dyn_kernel
        # Rows of the instance-aware convolution, the last column is the bias.
        self.weight_shape = (mask_channels, template_channels * dyn_kernel**2 + 1)
        self.max_positives = max_positives
        self.test_cfg = test_cfg
        self.loss_mask = MODELS.build(loss_mask)

        def tower() -> nn.Sequential:
            widths = [in_channels] + [feat_channels] * (stacked_convs - 1)
            return nn.Sequential(
                *(ConvModule(w, feat_channels, 3, padding=1, norm_cfg=norm_cfg) for w in widths)
            )

        self.template_tower = tower()
        self.template = nn.Linear(feat_channels, math.prod(self.template_shape))
        self.with_offset = weight_input == 'feature+offset'
        self.static_weights = None
        if static_weights:
            fan_in = self.weight_shape[1]
            self.static_weights = nn.Parameter(torch.randn(self.weight_shape) / fan_in**0.5)
        else:
            self.weight_tower = tower()
            self.weights = nn.Linear(
                feat_channels + 4 * self.with_offset, num_slots * math.prod(self.weight_shape)
            )
        self.predictor = nn.Sequential(
            nn.Conv2d(mask_channels, predictor_channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(predictor_channels, predictor_channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(predictor_channels, predictor_channels, 2, stride=2),
            nn.ReLU(inplace=True),
        )
        self.logits = nn.Conv2d(predictor_channels, 1, 1)

    def forward(self, x: Sequence[Tensor], instances: InstanceList) -> tuple[Tensor]:
        """Predict the masks of instances.

        Args:
            x: Feature levels of B images, shape (B, D, H_l, W_l) each.
            instances: ``pois``, ``slots`` and ``bboxes`` of the instances of each image, R in all;
                see :class:`PointOfInterestMixin`.

        Returns:
            Logits relative to the boxes, shape (R, 1, S, S).
        """
        pois, slots, boxes = (
            torch.cat([image[key] for image in instances]) for key in ('pois', 'slots', 'bboxes')
        )
        images = torch.cat([torch.full_like(image.pois, i) for i, image in enumerate(instances)])
        templates, template_of = self.predict_templates(x, images, pois)
        weights = self.predict_weights(x, images, pois, slots, boxes)
        features = instance_aware_convolution(templates, template_of, weights, self.dyn_kernel)
        return (self.logits(self.predictor(features)),)

    def predict_templates(
        self, x: Sequence[Tensor], images: Tensor, pois: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Predict one template for each distinct PoI.

        Args:
            x: As in :meth:`forward`.
            images: Image of each instance, shape (R,).
            pois: PoI of each instance, shape (R,).

        Returns:
            Templates, shape (P, C_t, K, K), and the template of each instance, shape (R,).
        """
        columns = columns_of([self.template_tower(level) for level in x])
        # After the linear layer, the templates of all locations would be ten times the features.
        distinct, template_of = torch.unique(images * columns.shape[1] + pois, return_inverse=True)
        columns = columns[distinct // columns.shape[1], distinct % columns.shape[1]]
        return self.template(columns).unflatten(1, self.template_shape), template_of

    def predict_weights(
        self, x: Sequence[Tensor], images: Tensor, pois: Tensor, slots: Tensor, boxes: Tensor
    ) -> Tensor:
        """Predict the weights of each instance.

        Args:
            x: As in :meth:`forward`.
            images: Image of each instance, shape (R,).
            pois: PoI of each instance, shape (R,).
            slots: Slot of each instance, shape (R,).
            boxes: Box of each instance in pixels, shape (R, 4).

        Returns:
            As :func:`instance_aware_convolution` wants them, shape (R, C_m, C_t * k * k + 1).
        """
        if self.static_weights is not None:
            return self.static_weights.expand(len(pois), -1, -1)
        columns = columns_of([self.weight_tower(level) for level in x])[images, pois]
        if self.with_offset:
            columns = torch.cat((columns, self._offsets(x, pois, boxes).to(columns.dtype)), 1)
        weights = self.weights(columns).unflatten(1, (self.num_slots, *self.weight_shape))
        return weights[torch.arange(len(slots), device=slots.device), slots]

    def _offsets(self, x: Sequence[Tensor], pois: Tensor, boxes: Tensor) -> Tensor:
        """Distances (R, 4) from PoIs to the left, upper, right and lower side of boxes in cells."""
        locations = MlvlPointGenerator(self.strides).grid_priors(
            [level.shape[2:] for level in x], device=boxes.device, with_stride=True
        )
        centre, stride = torch.cat(locations)[pois].split(2, 1)
        return torch.cat((centre - boxes[:, :2], boxes[:, 2:] - centre), 1) / stride.repeat(1, 2)

    def loss(
        self, x: Sequence[Tensor], batch_data_samples: SampleList, positive_infos: InstanceList
    ) -> dict[str, Tensor]:
        """Compute the loss of the masks.

        Args:
            x: As in :meth:`forward`.
            batch_data_samples: Ground truth of each image; ``masks`` dense or
                :class:`PointMasks`.
            positive_infos: What the box head says about its positives; see
                :meth:`PointOfInterestMixin.get_positive_infos`.

        Returns:
            ``loss_mask``.
        """
        drawn = [
            positives[balanced_subset(positives.objects, self.max_positives)]
            for positives in positive_infos
        ]
        return super().loss(x, batch_data_samples, drawn)

    def loss_by_feat(
        self,
        logits: Tensor,
        batch_gt_instances: InstanceList,
        positive_infos: InstanceList,
        **kwargs,
    ) -> dict[str, Tensor]:
        """Compare masks with their objects inside of the objects' boxes.

        Dense masks are compared cell by cell; annotated points with the mask interpolated there,
        beyond which there are zeros, as in :class:`PointFCNMaskHead` and in pasting.

        Args:
            logits: As :meth:`forward` returns them.
            batch_gt_instances: Ground truth of each image.
            positive_infos: What the masks were predicted for.
            **kwargs: Not used.

        Returns:
            ``loss_mask``: the mean over the cells or points of a mask, weighted over masks, divided
            by the sum of the weights (the mean over processes, at least 1).
        """
        targets = RegionMasks(
            [positives.bboxes for positives in positive_infos],
            [positives.objects for positives in positive_infos],
            [truth.masks for truth in batch_gt_instances],
        ).at_cells(self.mask_size)
        logits = sample_maps(logits, targets.points)[..., 0]
        weights = torch.cat([positives.weights for positives in positive_infos])
        total = weights.sum()
        loss = self.loss_mask(logits, targets.labels, targets.num_points, weights)
        return {'loss_mask': loss * total / reduce_mean(total).clamp(min=1)}

    def predict_by_feat(
        self,
        logits: Tensor,
        batch_img_metas: list[dict],
        results_list: InstanceList,
        rescale: bool = False,
    ) -> InstanceList:
        """Paste masks into their images.

        Args:
            logits: As :meth:`forward` returns them.
            batch_img_metas: Sizes and scale factor of each image.
            results_list: Detections of each image in pixels of the input.
            rescale: Whether boxes and masks are wanted in pixels of the original image.

        Returns:
            The detections with ``masks``, boolean, shape (R_i, H, W).
        """
        planes = logits.float().split([len(results) for results in results_list])
        return FCNMaskHead.predict_by_feat(
            self, planes, results_list, batch_img_metas, self.test_cfg, rescale=rescale
        )


def columns_of(levels: Sequence[Tensor]) -> Tensor:
    """One column per location, shape (B, L, D), of levels (B, D, H_l, W_l); not in memory order."""
    return torch.cat([level.flatten(2) for level in levels], 2).mT


def instance_aware_convolution(
    templates: Tensor, template_of: Tensor, weights: Tensor, kernel: int
) -> Tensor:
    """Convolve the template of each instance with the instance's weights, and apply ReLU.

    Args:
        templates: Shape (P, C_t, K, K).
        template_of: Template of each instance, shape (R,).
        weights: A row for each output channel, kernel and bias side by side, shape
            (R, C_m, C_t * k * k + 1).
        kernel: Side k of the kernel, odd.

    Returns:
        Mask features, shape (R, C_m, K, K).
    """
    patches = F.unfold(templates, kernel, padding=kernel // 2)[template_of]  # (R, C_t k k, K K)
    kernels, bias = weights[..., :-1], weights[..., -1:]
    return (kernels @ patches + bias).relu().unflatten(2, templates.shape[2:])


def balanced_subset(objects: Tensor, limit: int) -> Tensor:
    """Draw instances at random, and as evenly over their objects as these allow.

    Args:
        objects: Object of each instance, shape (R,).
        limit: Number of instances to draw; all when there are fewer.

    Returns:
        Indices of the drawn instances, shape (min(R, limit),).
    """
    device = objects.device
    if len(objects) <= limit:
        return torch.arange(len(objects), device=device)
    shuffled = torch.randperm(len(objects), device=device)
    shuffled = shuffled[objects[shuffled].argsort(stable=True)]
    counts = objects.bincount()
    # The turn of an instance: how many instances of the same object come before it.
    firsts = (counts.cumsum(0) - counts)[objects[shuffled]]
    turns = torch.arange(len(objects), device=device) - firsts
    return shuffled[(turns + torch.rand(len(objects), device=device)).argsort()[:limit]]
