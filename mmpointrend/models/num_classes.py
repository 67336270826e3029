"""The number of classes is written once in a config and reaches every head from there."""


def with_num_classes(
    head: dict,
    num_classes: int,
    key: str = 'mask_head.point_head',
    source: str = 'mask_head',
) -> dict:
    """Fill in the number of classes of a head.

    Args:
        head: Config of the head.
        num_classes: Number of classes C, as another head says.
        key: Where the head stands in the config.
        source: Where the other head stands.

    Returns:
        A copy of the config with ``num_classes``.

    Raises:
        ValueError: When the head already has another one; names both keys.
    """
    found = head.get('num_classes', num_classes)
    if found != num_classes:
        raise ValueError(
            f'{key}.num_classes is {found}, but {source}.num_classes is {num_classes}: '
            'set the latter only'
        )
    return {**head, 'num_classes': num_classes}


def share_num_classes(
    bbox_head: dict | list[dict], mask_head: dict | list[dict]
) -> tuple[dict | list[dict], dict | list[dict]]:
    """Give all heads of an RoI head the number of classes of the (first) box head.

    Args:
        bbox_head: Config of the box head, or one for each stage of a cascade.
        mask_head: Config of the mask head, or one for each stage of a cascade.

    Returns:
        Both, with ``num_classes`` everywhere.

    Raises:
        ValueError: When the first box head has none, or a head another one.
    """
    source = 'roi_head.bbox_head' + ('' if isinstance(bbox_head, dict) else '[0]')
    first = bbox_head if isinstance(bbox_head, dict) else bbox_head[0]
    if 'num_classes' not in first:
        raise ValueError(f'{source}.num_classes is missing: it is the number of all heads')

    def fill(head: dict | list[dict], key: str) -> dict | list[dict]:
        if isinstance(head, dict):
            return with_num_classes(head, first['num_classes'], key, source)
        return [fill(stage, f'{key}[{i}]') for i, stage in enumerate(head)]

    return fill(bbox_head, 'roi_head.bbox_head'), fill(mask_head, 'roi_head.mask_head')
