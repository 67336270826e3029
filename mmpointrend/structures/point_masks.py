"""Annotated points that travel through mmdet's pipelines in the place of dense masks."""

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import cv2
import mmcv
import numpy as np
import torch
from mmdet.structures.mask import BaseInstanceMasks

Index = int | slice | Sequence[int] | np.ndarray | torch.Tensor


class PointMasks(BaseInstanceMasks):
    """Labelled points of the N objects of an image, moved with it by every geometric transform.

    The supervision of "Pointly-Supervised Instance Segmentation" (Cheng et al., CVPR 2022,
    section 3): a box and P points per object, each labelled object or background.

    Coordinates are (x, y) in continuous pixels of the image: pixel (i, j) covers
    [j, j + 1) x [i, i + 1), its centre is at +0.5. A point outside [0, width] x [0, height] is
    ignored, here and in everything a method returns: its label becomes -1 and stays -1.

    Args:
        coords: Points, (N, P, 2), or N arrays (P_i, 2) of different lengths, which are padded with
            ignored points. Kept as float32.
        labels: 1 object, 0 background, -1 ignored, in the lengths of ``coords``. Kept as int8.
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        num_points: Points that each object has, (N,), where some of the P only fill up its row. By
            default the lengths of ``coords``.

    Attributes:
        coords: float32 (N, P, 2), finite everywhere (an ignored point that was not is at (0, 0)).
        labels: int8 (N, P) in {1, 0, -1}.
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        num_points: int64 (N,), each at most P. No method here changes it: a point that leaves the
            image is ignored, but still one of the object's.

    Raises:
        ValueError: The shapes do not fit, a label is not 1, 0 or -1, a point that is not ignored
            has a coordinate that is not finite, or the image has no pixels.

    Examples:
        >>> points = PointMasks([[[2.5, 1.5]], [[0.5, 0.5], [7.5, 3.5]]], [[1], [0, 1]], 4, 8)
        >>> points.flip('horizontal').coords[1].tolist()
        [[7.5, 0.5], [0.5, 3.5]]
        >>> points.labels.tolist()
        [[1, -1], [0, 1]]
    """

    def __init__(
        self,
        coords: np.ndarray | Sequence[Any],
        labels: np.ndarray | Sequence[Any],
        height: int,
        width: int,
        num_points: np.ndarray | Sequence[int] | None = None,
    ) -> None:
        self.height, self.width = int(height), int(width)
        if min(self.height, self.width) < 1:
            raise ValueError(f'PointMasks needs an image, got height {height} and width {width}')
        given, (coords, labels) = coords, _as_arrays(coords, labels)
        if num_points is None:
            num_points = [len(points) for points in given]
        self.num_points = np.array(num_points, dtype=np.int64)

        known = np.isin(labels, (1, 0, -1))
        if not known.all():
            raise ValueError(f'labels must be 1, 0 or -1, got {labels[~known][0]}')
        finite = np.isfinite(coords).all(axis=2)
        if not (finite | (labels == -1)).all():
            found = coords[~finite & (labels != -1)][0]
            raise ValueError(f'coordinates of points that are not ignored must be finite: {found}')

        # Not even an ignored NaN is kept: it would survive a multiplication with a zero weight.
        self.coords = np.where(finite[..., None], coords, np.float32(0))
        inside = ((coords >= 0) & (coords <= (self.width, self.height))).all(axis=2)
        self.labels = np.where(inside, labels, -1).astype(np.int8)

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Iterate over the coordinates (P, 2) and labels (P,) of each object."""
        return zip(self.coords, self.labels, strict=True)

    def __getitem__(self, index: Index) -> 'PointMasks':
        """Select objects.

        Args:
            index: An integer, a slice, integers, or N booleans.

        Returns:
            The selected objects; an integer gives one object.

        Raises:
            IndexError: The index does not fit the N objects.
        """
        if isinstance(index, torch.Tensor):
            index = index.cpu().numpy()
        try:
            chosen = np.atleast_1d(np.arange(len(self))[index])
        except IndexError as error:
            raise IndexError(
                f'PointMasks of {len(self)} objects: {error}. If gt_bboxes has another length, a '
                'transform moved the boxes without the masks (Mosaic, MixUp and RandomShift of '
                'mmdet do): use CachedMosaic, or leave it out.'
            ) from error
        return type(self)(
            self.coords[chosen],
            self.labels[chosen],
            self.height,
            self.width,
            self.num_points[chosen],
        )

    def __repr__(self) -> str:
        num_objects, num_points = self.labels.shape
        return (
            f'{type(self).__name__}(num_objects={num_objects}, num_points={num_points}, '
            f'height={self.height}, width={self.width})'
        )

    def rescale(
        self, scale: float | tuple[int, int], interpolation: str = 'nearest'
    ) -> 'PointMasks':
        """Resize, keeping the aspect ratio.

        Args:
            scale: A factor, or the two edges the image has to fit into, see
                :func:`mmcv.rescale_size`.
            interpolation: Has no meaning for points.

        Returns:
            The points in the resized image.
        """
        width, height = mmcv.rescale_size((self.width, self.height), scale)
        return self.resize((height, width))

    def resize(self, out_shape: tuple[int, int], interpolation: str = 'nearest') -> 'PointMasks':
        """Resize to ``out_shape`` (h, w); ``interpolation`` has no meaning for points."""
        height, width = out_shape
        factor = np.float32([width / self.width, height / self.height])
        return self._moved(self.coords * factor, height, width)

    def flip(self, flip_direction: str = 'horizontal') -> 'PointMasks':
        """Mirror the points.

        Args:
            flip_direction: ``'horizontal'``, ``'vertical'`` or ``'diagonal'`` (both).

        Returns:
            The points in the mirrored image.

        Raises:
            ValueError: The direction is none of the three.
        """
        if flip_direction not in ('horizontal', 'vertical', 'diagonal'):
            raise ValueError(
                f"flip_direction must be 'horizontal', 'vertical' or 'diagonal', "
                f'got {flip_direction!r}'
            )
        coords = self.coords.copy()
        if flip_direction != 'vertical':
            coords[..., 0] = self.width - coords[..., 0]
        if flip_direction != 'horizontal':
            coords[..., 1] = self.height - coords[..., 1]
        return self._moved(coords, self.height, self.width)

    def pad(self, out_shape: tuple[int, int], pad_val: int = 0) -> 'PointMasks':
        """Pad the image below and to the right.

        Args:
            out_shape: Size (h, w) after padding, not smaller than the image.
            pad_val: Has no meaning for points.

        Returns:
            The same points in the larger image.

        Raises:
            ValueError: ``out_shape`` is smaller than the image.
        """
        height, width = out_shape
        if height < self.height or width < self.width:
            raise ValueError(f'cannot pad {self.height} x {self.width} to {height} x {width}')
        return self._moved(self.coords, height, width)

    def crop(self, bbox: np.ndarray) -> 'PointMasks':
        """Crop the image.

        Args:
            bbox: [x1, y1, x2, y2] in pixels, (4,); it is clipped to the image, and an empty rest
                counts as one pixel, as for dense masks.

        Returns:
            The points relative to (x1, y1), those outside the crop ignored.
        """
        x1, y1, x2, y2 = np.clip(bbox, 0, (self.width, self.height) * 2)
        offset = np.float32([x1, y1])
        return self._moved(self.coords - offset, max(y2 - y1, 1), max(x2 - x1, 1))

    def crop_and_resize(
        self,
        bboxes: np.ndarray | torch.Tensor,
        out_shape: tuple[int, int],
        inds: np.ndarray | torch.Tensor,
        device: str | torch.device = 'cpu',
        interpolation: str = 'bilinear',
        binarize: bool = True,
    ) -> 'PointMasks':
        """Give the points of an object for each of R boxes, relative to the box.

        Args:
            bboxes: Boxes [x1, y1, x2, y2] in pixels, (R, 4). An edge shorter than 0.001 pixels
                counts as that long.
            out_shape: Size (h, w) that each box is resized to.
            inds: The object of each box, (R,), in [0, N - 1].
            device: Has no meaning here: the result is on the CPU.
            interpolation: Has no meaning for points.
            binarize: Has no meaning for points.

        Returns:
            R objects in an image of size ``out_shape``; points outside their box are ignored.
        """
        chosen = self[inds]
        boxes = torch.as_tensor(bboxes).detach().cpu().numpy().astype(np.float32).reshape(-1, 4)
        height, width = out_shape
        factor = np.float32([width, height]) / np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3)
        coords = (chosen.coords - boxes[:, None, :2]) * factor[:, None]  # (R, P, 2)
        return chosen._moved(coords, height, width)

    def expand(self, expanded_h: int, expanded_w: int, top: int, left: int) -> 'PointMasks':
        """Put the image on a canvas.

        Args:
            expanded_h: Height of the canvas.
            expanded_w: Width of the canvas.
            top: Row of the canvas that the image's first row comes to.
            left: Column of the canvas that the image's first column comes to.

        Returns:
            The points on the canvas.
        """
        return self._moved(self.coords + np.float32([left, top]), expanded_h, expanded_w)

    def translate(
        self,
        out_shape: tuple[int, int],
        offset: float | tuple[float, float],
        direction: str = 'horizontal',
        border_value: int = 0,
        interpolation: str = 'bilinear',
    ) -> 'PointMasks':
        """Shift the points.

        Args:
            out_shape: Size (h, w) of the image afterwards.
            offset: Pixels to the right or downwards; with ``'both'`` (x, y), or one number for
                the two.
            direction: ``'horizontal'``, ``'vertical'`` or ``'both'``.
            border_value: Has no meaning for points.
            interpolation: Has no meaning for points.

        Returns:
            The shifted points.

        Raises:
            ValueError: The direction is none of the three.
        """
        if direction == 'both':
            x, y = np.broadcast_to(offset, 2)
        else:
            x, y = (offset, 0) if _is_horizontal(direction) else (0, offset)
        return self._moved(self.coords + np.float32([x, y]), *out_shape)

    def shear(
        self,
        out_shape: tuple[int, int],
        magnitude: float,
        direction: str = 'horizontal',
        border_value: int = 0,
        interpolation: str = 'bilinear',
    ) -> 'PointMasks':
        """Shear the points about the centre of pixel (0, 0), as :func:`mmcv.imshear`.

        Args:
            out_shape: Size (h, w) of the image afterwards.
            magnitude: Pixels by which a point moves per pixel of its other coordinate.
            direction: ``'horizontal'`` or ``'vertical'``.
            border_value: Has no meaning for points.
            interpolation: Has no meaning for points.

        Returns:
            The sheared points.

        Raises:
            ValueError: The direction is none of the two.
        """
        x, y = (magnitude, 0) if _is_horizontal(direction) else (0, magnitude)
        return self._warped(np.array([[1, x, 0], [y, 1, 0]]), out_shape)

    def rotate(
        self,
        out_shape: tuple[int, int],
        angle: float,
        center: tuple[float, float] | None = None,
        scale: float = 1.0,
        border_value: int = 0,
        interpolation: str = 'bilinear',
    ) -> 'PointMasks':
        """Rotate the points, as :func:`mmcv.imrotate`.

        Args:
            out_shape: Size (h, w) of the image afterwards.
            angle: Degrees, positive clockwise on the screen.
            center: Fixed point (x, y) in pixel indices, i.e. (0, 0) is the centre of the first
                pixel. The middle of the image if absent.
            scale: Scale factor about the fixed point.
            border_value: Has no meaning for points.
            interpolation: Has no meaning for points.

        Returns:
            The rotated points.
        """
        if center is None:
            center = ((self.width - 1) * 0.5, (self.height - 1) * 0.5)
        return self._warped(cv2.getRotationMatrix2D(center, -angle, scale), out_shape)

    def to_ndarray(self) -> np.ndarray:
        """Return x, y and label of each point, float32 (N, P, 3)."""
        return np.concatenate([self.coords, self.labels[..., None]], axis=2, dtype=np.float32)

    def to_tensor(self, dtype: torch.dtype, device: str | torch.device) -> torch.Tensor:
        """Return x, y and label of each point.

        Args:
            dtype: ``torch.float32`` or ``torch.float64``: a shorter type moves points by pixels.
            device: Device of the result.

        Returns:
            Tensor (N, P, 3).

        Raises:
            TypeError: Another dtype, as a head asks for that can train from dense masks only.
        """
        if dtype not in (torch.float32, torch.float64):
            raise TypeError(
                f'PointMasks.to_tensor needs torch.float32 or torch.float64, got {dtype}. A head '
                'that takes its masks so needs dense ones: use a point-aware mask head, or '
                'LoadAnnotations(with_mask=True) with a file that has segmentations.'
            )
        return torch.as_tensor(self.to_ndarray(), dtype=dtype, device=device)

    @classmethod
    def cat(cls, masks: Sequence['PointMasks']) -> 'PointMasks':
        """Concatenate the objects of one image.

        Args:
            masks: At least one, all of the same image size. Objects with fewer points than others
                are padded with ignored ones.

        Returns:
            All objects, in order.

        Raises:
            ValueError: Nothing to concatenate, or image sizes that differ.
            TypeError: Something else than points among ``masks``.
        """
        if not masks:
            raise ValueError('PointMasks.cat needs at least one PointMasks')
        for mask in masks:
            if not isinstance(mask, cls):
                raise TypeError(
                    f'cannot concatenate {cls.__name__} with {type(mask).__name__}: an image is '
                    'annotated with points or with masks, not with both'
                )
        sizes = sorted({(mask.height, mask.width) for mask in masks})
        if len(sizes) > 1:
            raise ValueError(f'cannot concatenate objects of images of sizes (h, w) {sizes}')
        coords = [points for mask in masks for points in mask.coords]
        labels = [points for mask in masks for points in mask.labels]
        num_points = [count for mask in masks for count in mask.num_points]
        return cls(coords, labels, *sizes[0], num_points)

    @property
    def areas(self) -> NoReturn:
        """Points have no area.

        Raises:
            NotImplementedError: Always.
        """
        _refuse('areas', 'set FilterAnnotations(by_mask=False)')

    def get_bboxes(self, dst_type: str = 'hbb') -> NoReturn:
        """Points do not determine a box.

        Raises:
            NotImplementedError: Always.
        """
        _refuse('get_bboxes', 'set RandomCrop(recompute_bbox=False), which keeps the cropped boxes')

    @property
    def masks(self) -> NoReturn:
        """Points have no dense masks.

        Raises:
            NotImplementedError: Always.
        """
        _refuse('masks', 'leave CopyPaste, RandomErasing and Albu out of the pipeline')

    def to_bitmap(self) -> NoReturn:
        """Points have no dense masks.

        Raises:
            NotImplementedError: Always.
        """
        _refuse('to_bitmap', 'train with a point-aware mask head')

    def _moved(self, coords: np.ndarray, height: int, width: int) -> 'PointMasks':
        return type(self)(coords, self.labels, height, width, self.num_points)

    def _warped(self, matrix: np.ndarray, out_shape: tuple[int, int]) -> 'PointMasks':
        # The matrices of OpenCV count pixel indices, where the first pixel's centre is (0, 0).
        coords = (self.coords - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5
        return self._moved(coords, *out_shape)


def _as_arrays(
    coords: np.ndarray | Sequence[Any], labels: np.ndarray | Sequence[Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates float32 (N, P, 2) and labels (N, P), padded if objects differ in P."""
    if len(coords) != len(labels):
        raise ValueError(f'coords of {len(coords)} objects but labels of {len(labels)}')
    if not (isinstance(coords, np.ndarray) and isinstance(labels, np.ndarray)):
        return _pad_objects(coords, labels)
    if coords.ndim != 3 or coords.shape[2] != 2 or labels.shape != coords.shape[:2]:
        raise ValueError(
            'coords must be of shape (N, P, 2) and labels of shape (N, P), '
            f'got {coords.shape} and {labels.shape}'
        )
    return coords.astype(np.float32), labels


def _pad_objects(coords: Sequence[Any], labels: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    coords = [np.asarray(points, dtype=np.float32) for points in coords]
    coords = [points if points.size else points.reshape(0, 2) for points in coords]
    labels = [np.asarray(values) for values in labels]
    for index, (points, values) in enumerate(zip(coords, labels, strict=True)):
        if points.shape != (len(points), 2) or values.shape != (len(points),):
            raise ValueError(
                f'object {index}: coords must be of shape (P, 2) and labels of shape (P,), '
                f'got {points.shape} and {values.shape}'
            )
    num_points = max(map(len, coords), default=0)
    padded_coords = np.zeros((len(coords), num_points, 2), dtype=np.float32)
    padded_labels = np.full((len(coords), num_points), -1.0)
    for index, (points, values) in enumerate(zip(coords, labels, strict=True)):
        padded_coords[index, : len(points)] = points
        padded_labels[index, : len(points)] = values
    return padded_coords, padded_labels


def _is_horizontal(direction: str) -> bool:
    if direction not in ('horizontal', 'vertical'):
        raise ValueError(f"direction must be 'horizontal' or 'vertical', got {direction!r}")
    return direction == 'horizontal'


def _refuse(what: str, instead: str) -> NoReturn:
    raise NotImplementedError(f'{what} has no meaning for annotated points: {instead}')
