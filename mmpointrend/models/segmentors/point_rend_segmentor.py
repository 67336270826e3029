from typing import Any

from mmseg.models.segmentors import CascadeEncoderDecoder

from mmpointrend.registry import MODELS


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
        self, decode_head: list[dict], auxiliary_head: dict | list[dict] | None = None, **kwargs: Any
    ) -> None:
        first, *others = decode_head
        others = [_share(first, head, f'decode_head[{i}]') for i, head in enumerate(others, 1)]
        if isinstance(auxiliary_head, dict):
            auxiliary_head = _share(first, auxiliary_head, 'auxiliary_head')
        elif auxiliary_head is not None:
            auxiliary_head = [
                _share(first, head, f'auxiliary_head[{i}]') for i, head in enumerate(auxiliary_head)
            ]
        super().__init__(decode_head=[first, *others], auxiliary_head=auxiliary_head, **kwargs)
        # mmseg reads the threshold of one output channel where a cascade has its list of heads.
        self.decode_head.threshold = self.decode_head[-1].threshold


def _share(first: dict, head: dict, key: str) -> dict:
    """A head's config with the classes of the first decode head."""
    shared = {name: first[name] for name in ('num_classes', 'out_channels', 'threshold') if name in first}
    for name, value in shared.items():
        if head.get(name, value) != value:
            raise ValueError(
                f'{key}.{name} is {head[name]}, but decode_head[0].{name} is {value}: '
                'set the latter only'
            )
    return {**head, **shared}
