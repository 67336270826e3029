"""What several heads have in common, the number of classes above all, is written once."""


def with_shared(
    head: dict,
    shared: dict,
    key: str = 'roi_head.mask_head.point_head',
    source: str = 'roi_head.mask_head',
) -> dict:
    """Fill in what a head has in common with another one.

    Args:
        head: Config of the head.
        shared: Entries of the other head, ``num_classes`` above all.
        key: Where the head stands in the config.
        source: Where the other head stands.

    Returns:
        A copy of the config with the entries.

    Raises:
        ValueError: When the head already has another value; names both keys.
    """
    for name, value in shared.items():
        if head.get(name, value) != value:
            raise ValueError(
                f'{key}.{name} is {head[name]}, but {source}.{name} is {value}: set the latter only'
            )
    return {**head, **shared}


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
            return with_shared(head, {'num_classes': first['num_classes']}, key, source)
        return [fill(stage, f'{key}[{i}]') for i, stage in enumerate(head)]

    return fill(bbox_head, 'roi_head.bbox_head'), fill(mask_head, 'roi_head.mask_head')
