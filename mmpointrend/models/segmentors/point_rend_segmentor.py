from typing import Any

from mmseg.models.segmentors import CascadeEncoderDecoder
from mmseg.structures import SegDataSample
from torch import Tensor

from mmpointrend.registry import MODELS

from ..num_classes import with_shared


@MODELS.register_module()
class PointRendSegmentor(CascadeEncoderDecoder):
    """mmseg's cascade of decode heads, with what the heads have in common written once.

    The first decode head says ``num_classes``, ``ignore_index``, ``align_corners`` and, in a model
    with one output channel, ``out_channels`` and ``threshold``. The other decode heads and the
    auxiliary heads get them from there.

    With one output channel ``seg_logits`` are logits too, not mmseg's probabilities, of which its
    test-time augmentation would take the sigmoid again.

    Args:
        decode_head: Configs of two or more decode heads; the last one refines.
        auxiliary_head: Config of an auxiliary head, or several.
        **kwargs: Those of mmseg's ``CascadeEncoderDecoder``.

    Raises:
        ValueError: When there is one decode head only, the first one has no ``num_classes``, or
            another head says something else than the first; names both keys.
    """

    def __init__(
        self,
        decode_head: list[dict],
        auxiliary_head: dict | list[dict] | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(decode_head, (list, tuple)) or len(decode_head) < 2:
            raise ValueError(
                f'decode_head: found {decode_head}, expected a list: coarse heads, then the one '
                'that refines'
            )
        first, *others = decode_head
        if 'num_classes' not in first:
            raise ValueError('decode_head[0].num_classes is missing: it is the number of all heads')
        shared = {'ignore_index': 255, 'align_corners': False}  # by default, in all of mmseg
        names = ('num_classes', 'out_channels', 'threshold', *shared)
        shared |= {name: first[name] for name in names if name in first}

        def share(heads: list[dict], key: str, first_index: int = 0) -> list[dict]:
            return [
                with_shared(head, shared, f'{key}[{i}]', 'decode_head[0]')
                for i, head in enumerate(heads, first_index)
            ]

        others = share(others, 'decode_head', 1)
        if isinstance(auxiliary_head, dict):
            auxiliary_head = with_shared(auxiliary_head, shared, 'auxiliary_head', 'decode_head[0]')
        elif auxiliary_head is not None:
            auxiliary_head = share(auxiliary_head, 'auxiliary_head')
        super().__init__(decode_head=[first, *others], auxiliary_head=auxiliary_head, **kwargs)
        # mmseg reads the threshold of one output channel where a cascade has its list of heads.
        self.decode_head.threshold = self.decode_head[-1].threshold

    def loss(self, inputs: Tensor, data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Compute the losses of all heads; see the parent class."""
        labels = [sample.gt_sem_seg.data for sample in data_samples]
        ignored = self.decode_head[0].ignore_index
        if self.out_channels > 1 or any((label != ignored).any() for label in labels):
            return super().loss(inputs, data_samples)
        # mmseg's loss of one channel needs a labelled pixel in the batch: this one counts nothing.
        labels[0][..., 0, 0] = 0
        losses = super().loss(inputs, data_samples)
        labels[0][..., 0, 0] = ignored
        return {name: 0 * value for name, value in losses.items()}

    def postprocess_result(
        self, seg_logits: Tensor, data_samples: list[SegDataSample] | None = None
    ) -> list[SegDataSample]:
        """Cut and resize maps to their images; see the parent class."""
        results = super().postprocess_result(seg_logits, data_samples)
        if self.out_channels == 1:
            for result in results:
                result.seg_logits.data = result.seg_logits.data.logit(eps=1e-6)
        return results
