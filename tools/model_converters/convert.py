"""Turn a checkpoint of detectron2, or PointRend of mmdet or mmseg, into one of ours.

Usage::

    python tools/model_converters/convert.py CONFIG model_final.pkl converted.pth

CONFIG is one of this repository; its model says which tensors there must be.
docs/converting.md lists the config of each published checkpoint.
"""

import argparse
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from mmpointrend import __version__
from mmpointrend.annotation import check_files
from mmpointrend.checkpoints import (
    Checkpoint,
    CheckpointError,
    Conversion,
    convert,
    read_checkpoint,
    write_checkpoint,
)
from mmpointrend.engine import dataset_meta


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', type=Path, help='config of the model that the checkpoint becomes')
    parser.add_argument('checkpoint', type=Path, help='.pkl or .pth to read')
    parser.add_argument('out', type=Path, help='.pth to write')
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')
    args = parser.parse_args()
    check_files(parser, [args.config, args.checkpoint], [args.out], args.force)
    return args


def build_target(cfg: Config) -> dict[str, torch.Tensor]:
    """Return the state of the config's model without its values."""
    with torch.device('meta'):
        return MODELS.build(cfg.model).state_dict()


def pixel_normalisation(cfg: Config) -> dict[str, list[float]]:
    preprocessor = cfg.model.get('data_preprocessor', {})
    return {key: list(preprocessor[key]) for key in ('mean', 'std') if preprocessor.get(key)}


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def report(checkpoint: Checkpoint, conversion: Conversion) -> Iterator[str]:
    """Say what became of every tensor of the file, and of the rest."""
    renamed = conversion.renamed
    reshaped = sum(
        checkpoint.tensors[theirs].shape != conversion.state[ours].shape
        for ours, theirs in renamed.origins.items()
    )
    yield f'{renamed.family}: {len(checkpoint.tensors)} tensors'
    yield f'  {len(renamed.origins)} converted, {reshaped} of them to another shape'
    reasons = defaultdict(list)
    for name, reason in renamed.dropped.items():
        reasons[reason].append(name)
    for reason, names in reasons.items():
        yield f'  {len(names)} dropped: {", ".join(names)} ({reason})'
    if conversion.filled:
        yield f'  {len(conversion.filled)} not in the file, set to 0: num_batches_tracked'
    if checkpoint.others:
        yield f'  beside the tensors of the model, left out: {", ".join(checkpoint.others)}'


def main() -> None:
    args = parse_args()
    cfg = Config.fromfile(args.config)
    try:
        print(f'Reading {args.checkpoint}')
        checkpoint = read_checkpoint(args.checkpoint)
        with DefaultScope.overwrite_default_scope(cfg.default_scope):
            target = build_target(cfg)
            # Inference reads the classes in a checkpoint.
            classes = dataset_meta(cfg.test_dataloader.dataset)
        normalisation = pixel_normalisation(cfg)
        conversion = convert(checkpoint.tensors, target, normalisation, str(args.checkpoint))
    except CheckpointError as error:
        raise SystemExit(f'error: {error}') from error
    print(*report(checkpoint, conversion), sep='\n')
    meta = {
        'mmpointrend_version': __version__,
        'config': args.config.name,
        'dataset_meta': classes,
        'converted_from': {
            'file': args.checkpoint.name,
            'sha256': sha256(args.checkpoint),
            'family': conversion.renamed.family,
        },
    }
    write_checkpoint(args.out, conversion.state, meta)
    print(f'Wrote {args.out}')


if __name__ == '__main__':
    main()
