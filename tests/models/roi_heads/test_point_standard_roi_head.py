import pytest

from mmpointrend.models import PointStandardRoIHead


def build(**mask_head):
    extractor = {
        'type': 'SingleRoIExtractor',
        'roi_layer': {'type': 'RoIAlign', 'output_size': 7},
        'out_channels': 4,
        'featmap_strides': [4],
    }
    return PointStandardRoIHead(
        bbox_roi_extractor=extractor,
        bbox_head={
            'type': 'Shared2FCBBoxHead',
            'in_channels': 4,
            'fc_out_channels': 8,
            'num_classes': 3,
        },
        mask_roi_extractor=extractor,
        mask_head={
            'type': 'mmpointrend.PointFCNMaskHead',
            'in_channels': 4,
            'conv_out_channels': 4,
            **mask_head,
        },
    )


def test_number_of_classes_comes_from_the_box_head():
    assert build().mask_head.conv_logits.out_channels == 3


def test_the_same_number_twice_is_fine():
    assert build(num_classes=3).mask_head.num_classes == 3


def test_disagreeing_numbers_of_classes_name_both_keys():
    with pytest.raises(
        ValueError, match=r'mask_head\.num_classes is 4.*bbox_head\.num_classes is 3'
    ):
        build(num_classes=4)
