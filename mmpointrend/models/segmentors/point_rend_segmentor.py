from typing import Any

from mmseg.models.segmentors import CascadeEncoderDecoder

from mmpointrend.registry import MODELS

from ..num_classes import with_shared


@MODELS.register_module()
class PointRendSegmentor(CascadeEncoderDecoder):
    """mmseg's cascade of decode heads, with the classes written once.

    The first decode head says ``num_classes`` and, in a model with one output channel,
    ``out_channels`` and ``threshold``. The other decode heads and the auxiliary heads get them from
    there.

    Args:
        decode_head: Configs of the decode heads; the last one refines.
        auxiliary_head: Config of an auxiliary head, or several.
        **kwargs: Those of mmseg's ``CascadeEncoderDecoder``.

    Raises:
        ValueError: When another head has other classes; names both keys.
    """

    def __init__(
        self,
        decode_head: list[dict],
        auxiliary_head: dict | list[dict] | None = None,
        **kwargs: Any,
    ) -> None:
        first, *others = decode_head
        names = ('num_classes', 'out_channels', 'threshold')
        shared = {name: first[name] for name in names if name in first}

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
