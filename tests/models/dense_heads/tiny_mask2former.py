"""A Mask2Former of a few thousand parameters."""

from pathlib import Path

from mmengine.config import Config, ConfigDict

CONFIG = Path(__file__).parents[3] / 'configs/_base_/models/mask2former_r50.py'
CHANNELS = 32


def tiny_mask2former(num_classes: int = 2, num_queries: int = 6, **head) -> ConfigDict:
    """The model of the configs, small, and without weights to download.

    Args:
        num_classes: Number of classes.
        num_queries: Number of queries.
        **head: Other settings of its head.
    """
    model = Config.fromfile(CONFIG).model
    norm_cfg = {'type': 'BN', 'requires_grad': True}
    model.data_preprocessor.batch_augments = None
    model.backbone.update(
        depth=18, base_channels=16, norm_cfg=norm_cfg, norm_eval=False, init_cfg=None
    )
    panoptic_head = model.panoptic_head
    panoptic_head.update(
        num_classes=num_classes,
        num_queries=num_queries,
        in_channels=[16, 32, 64, 128],
        feat_channels=CHANNELS,
        out_channels=CHANNELS,
        **head,
    )
    decoder = panoptic_head.pixel_decoder
    decoder.norm_cfg.num_groups = 4
    decoder.encoder.num_layers = 1
    panoptic_head.transformer_decoder.num_layers = 2
    for positions in (decoder.positional_encoding, panoptic_head.positional_encoding):
        positions.num_feats = CHANNELS // 2
    for layers in (decoder.encoder, panoptic_head.transformer_decoder):
        for key, part in layers.layer_cfg.items():
            part.embed_dims = CHANNELS
            part.update({'feedforward_channels': 64} if key == 'ffn_cfg' else {'num_heads': 4})
    model.train_cfg.num_points = 256
    model.test_cfg.max_per_image = num_queries
    return model
