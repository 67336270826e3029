import math
from collections.abc import Callable, Sequence

import torch
from mmengine.structures import PixelData
from mmseg.models.decode_heads.cascade_decode_head import BaseCascadeDecodeHead
from mmseg.structures import SegDataSample
from torch import Tensor

from mmpointrend.points import regular_grid, render, sample_maps
from mmpointrend.registry import MODELS

from ..num_classes import with_shared

STEPS, NUM_POINTS = 2, 8192  # as published for Cityscapes


@MODELS.register_module()
class PointRendDecodeHead(BaseCascadeDecodeHead):
    """PointRend for semantic segmentation: refines the map of the decode head before it.

    A stage of mmseg's ``CascadeEncoderDecoder`` after any decode head. A region is a whole image
    here: points lie in [0, 1]^2 of the image, and of every map, whatever its stride. Source:
    PointRend, Sec. 3 and 4.2.

    In ``test_cfg`` of the model, ``subdivision_steps`` is the number of doublings (by default as
    many as bring the coarse map to the size of the image) and ``subdivision_num_points`` the points
    predicted at each (8192 by default).

    Args:
        in_channels: Channels of each map that fine features are read from.
        in_index: Which maps of the neck, or of the backbone, these are.
        num_classes: Number of classes.
        point_head: Config of the point head; its ``num_classes``, ``in_channels`` and
            ``class_agnostic`` are filled in.
        point_sampler: Config of the sampler of training points.
        loss_decode: Config of the loss at the points, or several. mmseg's losses see the P points
            of an image as a map of P x 1 pixels.
        out_channels: Channels C of the maps, here and in the head before: ``num_classes``, or 1
            for a sigmoid that tells two classes apart.
        threshold: Probability from which one output channel means class 1.
        ignore_index: Label of pixels that count nothing.
        align_corners: Whether 0 and 1 are the centres of the outermost pixels, of all maps, instead
            of their outer edges. As in the head before.

    Raises:
        ValueError: When ``point_head`` has another ``num_classes``, or ``in_channels`` and
            ``in_index`` are not lists of the same length.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        in_index: Sequence[int],
        num_classes: int,
        point_head: dict,
        point_sampler: dict,
        loss_decode: dict | Sequence[dict],
        out_channels: int | None = None,
        threshold: float | None = None,
        ignore_index: int = 255,
        align_corners: bool = False,
    ) -> None:
        if not (
            isinstance(in_channels, Sequence)
            and isinstance(in_index, Sequence)
            and len(in_channels) == len(in_index)
        ):
            raise ValueError(
                f'decode_head: found in_channels {in_channels} and in_index {in_index}, expected '
                'a list of channels and one of as many maps'
            )
        super().__init__(
            in_channels,
            channels=1,
            in_index=in_index,
            input_transform='multiple_select',
            num_classes=num_classes,
            out_channels=out_channels,
            threshold=threshold,
            dropout_ratio=0,
            loss_decode=loss_decode,
            ignore_index=ignore_index,
            align_corners=align_corners,
            init_cfg=None,
        )
        del self.conv_seg
        shared = {
            'num_classes': num_classes,
            'in_channels': sum(in_channels),
            'class_agnostic': self.out_channels == 1,
        }
        self.point_head = MODELS.build(
            with_shared(point_head, shared, 'decode_head.point_head', 'decode_head')
        )
        self.point_sampler = MODELS.build(point_sampler)

    def forward(
        self,
        inputs: Sequence[Tensor],
        prev_output: Tensor,
        steps: int = STEPS,
        num_points: int = NUM_POINTS,
    ) -> Tensor:
        """Refine coarse maps.

        Args:
            inputs: Maps of the neck or of the backbone, each (N, D, H', W').
            prev_output: Coarse logits, shape (N, C, H, W).
            steps: Number of doublings.
            num_points: Cells to predict per doubling and image.

        Returns:
            Logits, shape (N, C, H * 2**steps, W * 2**steps), where ``align_corners`` makes
            (H - 1) * 2**steps + 1 of H.

        Raises:
            ValueError: When the head before has another number of channels.
        """
        predict = self.point_predictor(inputs, prev_output)
        return render(predict, prev_output, steps, num_points, self.align_corners)

    def point_predictor(
        self, inputs: Sequence[Tensor], coarse: Tensor
    ) -> Callable[[Tensor], Tensor]:
        """Bind the point head to images.

        Args:
            inputs: As in :meth:`forward`.
            coarse: Coarse logits, shape (N, C, H, W).

        Returns:
            Maps points (N, P, 2) in [0, 1]^2 of the images to logits (N, P, C).

        Raises:
            ValueError: When the coarse logits, or the maps, have another number of channels.
        """
        found = [inputs[i].shape[1] if i < len(inputs) else None for i in self.in_index]
        if found != list(self.in_channels):
            raise ValueError(
                f'decode_head.in_channels is {list(self.in_channels)}, but the maps in_index '
                f'{list(self.in_index)} of {len(inputs)} have {found}'
            )
        if coarse.shape[1] != self.out_channels:
            raise ValueError(
                f'the decode head before gives {coarse.shape[1]} channels, but this one has '
                f'{self.out_channels}: set the same num_classes and out_channels in both'
            )
        maps = self._transform_inputs(inputs)

        def predict(points: Tensor) -> Tensor:
            fine = torch.cat([self._read(level, points) for level in maps], -1)
            return self.point_head(fine, self._read(coarse, points))

        return predict

    def loss(
        self,
        inputs: Sequence[Tensor],
        prev_output: Tensor,
        batch_data_samples: Sequence[SegDataSample],
        train_cfg: dict | None = None,
    ) -> dict[str, Tensor]:
        """Compute the losses at points where the coarse maps are uncertain.

        An image with fewer labelled pixels than the sampler draws points, one that is annotated
        with points for example, trains at the centres of exactly these pixels.

        Args:
            inputs: As in :meth:`forward`.
            prev_output: Coarse logits, shape (N, C, H, W).
            batch_data_samples: Have ``gt_sem_seg``, labels of shape (1, height, width).
            train_cfg: Not used; the sampler has its own config.

        Returns:
            Those of ``loss_decode``, and ``acc_seg``, all at the points.
        """
        predict = self.point_predictor(inputs, prev_output)
        points = self.point_sampler(
            lambda points: self._read(prev_output, points), len(prev_output), prev_output.device
        )
        labels = self._stack_batch_gt(batch_data_samples)  # (N, 1, height, width)
        points = self._move_to_sparse_labels(points, labels)
        logits = predict(points).transpose(1, 2)[..., None]  # (N, C, P, 1)
        labels = sample_maps(
            labels, points, mode='nearest', padding='border', align_corners=self.align_corners
        ).long()
        return self.loss_by_feat(
            logits, [SegDataSample(gt_sem_seg=PixelData(data=label[None])) for label in labels]
        )

    def _move_to_sparse_labels(self, points: Tensor, labels: Tensor) -> Tensor:
        """Replace the points (N, P, 2) of images that have fewer labelled pixels by these pixels;
        labels (N, 1, height, width)."""
        labelled = labels.flatten(1) != self.ignore_index  # (N, height * width)
        num_points, num_pixels = points.shape[1], labelled.shape[1]
        sparse = labelled.sum(1) < num_points
        if num_pixels < num_points or not sparse.any():
            return points
        # Labelled pixels come first; the others fill up the P points and count nothing.
        pixels = labelled[sparse].byte().topk(num_points).indices
        grid = regular_grid(labels.shape[2:], labels.device, self.align_corners)
        points = points.clone()
        points[sparse] = grid[pixels]
        return points

    def predict(
        self,
        inputs: Sequence[Tensor],
        prev_output: Tensor,
        batch_img_metas: Sequence[dict],
        test_cfg: dict,
    ) -> Tensor:
        """Refine coarse maps up to the size of the images.

        Args:
            inputs: As in :meth:`forward`.
            prev_output: Coarse logits, shape (N, C, H, W).
            batch_img_metas: As mmseg has them, for whole images and for windows.
            test_cfg: May have ``subdivision_steps`` and ``subdivision_num_points``.

        Returns:
            Logits, shape (N, C, height, width).
        """
        # How large mmseg makes a map of these images.
        probe = torch.empty(1, 1, 1, 1, device='meta')
        size = self.predict_by_feat(probe, batch_img_metas).shape[2:]
        steps = test_cfg.get('subdivision_steps')
        if steps is None:
            steps = self._steps_to(prev_output.shape[2:], size)
        num_points = test_cfg.get('subdivision_num_points', NUM_POINTS)
        refined = self(inputs, prev_output, steps, num_points)
        if refined.shape[2:] == size:
            # Resizing would copy the largest tensor of all.
            return refined
        return self.predict_by_feat(refined, batch_img_metas)

    def _steps_to(self, coarse: Sequence[int], image: Sequence[int]) -> int:
        """Doublings that bring a coarse map closest to an image."""
        ratio = max(
            (after - self.align_corners) / max(before - self.align_corners, 1)
            for before, after in zip(coarse, image, strict=True)
        )
        return round(math.log2(max(ratio, 1)))

    def _read(self, maps: Tensor, points: Tensor) -> Tensor:
        """Read maps (N, D, H, W) at points (N, P, 2); returns (N, P, D)."""
        return sample_maps(maps, points, align_corners=self.align_corners)
