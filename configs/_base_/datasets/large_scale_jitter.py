# Large-scale jittering: images are scaled to 0.1 to 2 times this size, and then cropped to it.
image_size = (1024, 1024)
large_scale_jitter = [
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='RandomResize',
        scale=image_size,
        ratio_range=(0.1, 2.0),
        resize_type='Resize',
        keep_ratio=True,
    ),
]
