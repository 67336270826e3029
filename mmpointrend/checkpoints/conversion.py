"""From the tensors of another project to the state of one of our models."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .families import FAMILIES, Drop, Rule
from .files import CheckpointError

# Counts training steps; no detectron2 checkpoint with frozen normalisation has one.
STEP_COUNTER = '.num_batches_tracked'


@dataclass(frozen=True)
class Renamed:
    """Tensors under our names.

    Attributes:
        family: The project that they come from, a key of ``FAMILIES``.
        tensors: Our tensors by our names.
        origins: The other project's name of each of ours.
        dropped: What was left out on purpose, and the reason for each.
    """

    family: str
    tensors: dict[str, Tensor]
    origins: dict[str, str]
    dropped: dict[str, str]


@dataclass(frozen=True)
class Conversion:
    """State of one of our models.

    Attributes:
        state: For ``load_state_dict``, complete.
        renamed: Where it comes from.
        filled: Names in ``state`` that have no origin: counters of training steps, set to 0.
    """

    state: dict[str, Tensor]
    renamed: Renamed
    filled: list[str]


def convert(
    tensors: Mapping[str, Tensor],
    target: Mapping[str, Tensor],
    normalisation: Mapping[str, Sequence[float]] | None = None,
    source: str = 'the checkpoint',
) -> Conversion:
    """Turn the tensors of another project's checkpoint into the state of one of our models.

    Args:
        tensors: Parameters and buffers by the other project's names.
        target: ``state_dict`` of our model; only names, shapes and types matter, so it may be on
            the meta device.
        normalisation: ``mean`` and ``std`` of our model's ``data_preprocessor``. Where the
            checkpoint has ``pixel_mean`` and ``pixel_std``, they must agree: a model of other
            pixels has the same tensors.
        source: The file, for the error message.

    Returns:
        The state, and what became of each tensor.

    Raises:
        CheckpointError: The names are of no known project, or not every tensor finds its place, or
            a place stays empty, or shapes or pixels differ. The message lists all of them.
    """
    renamed, problems = _rename(tensors, source)
    state, filled = {}, []
    for name, place in target.items():
        value = renamed.tensors.get(name)
        if value is None and name.endswith(STEP_COUNTER):
            state[name] = torch.zeros(place.shape, dtype=place.dtype)
            filled.append(name)
        elif value is None:
            problems.append(f'missing: {name} {tuple(place.shape)}')
        elif value.shape != place.shape:
            shapes = f'found {tuple(value.shape)}, the model has {tuple(place.shape)}'
            problems.append(f'wrong shape: {_both(renamed.origins[name], name)}: {shapes}')
        else:
            state[name] = value.to(place.dtype)
    for name in renamed.tensors.keys() - target.keys():
        origin = _both(renamed.origins[name], name)
        problems.append(f'not in the model: {origin} {tuple(renamed.tensors[name].shape)}')
    problems += _pixel_problems(tensors, normalisation or {})
    if problems:
        listed = '\n  '.join(sorted(problems))
        raise CheckpointError(
            f'{source}: found {len(problems)} differences between its tensors ({renamed.family}) '
            f'and those of the model, expected none:\n  {listed}'
        )
    return Conversion(state, renamed, filled)


def rename(tensors: Mapping[str, Tensor], source: str = 'the checkpoint') -> Renamed:
    """Give the tensors of another project our names, and our shapes where they differ.

    Args:
        tensors: Parameters and buffers, of a whole model or of a part, by the other project's
            names.
        source: The file, for the error message.

    Returns:
        Ours, and what was dropped.

    Raises:
        CheckpointError: The names are of no known project, a tensor is unknown, or two tensors get
            the same name. The message lists all of them.
    """
    renamed, problems = _rename(tensors, source)
    if problems:
        listed = '\n  '.join(sorted(problems))
        raise CheckpointError(
            f'{source}: found {len(problems)} tensors ({renamed.family}) without a place here, '
            f'expected none:\n  {listed}'
        )
    return renamed


def _rename(tensors: Mapping[str, Tensor], source: str) -> tuple[Renamed, list[str]]:
    """Rename what can be, and list what cannot."""
    family = _family(list(tensors), source)
    rules = FAMILIES[family][1](tensors.keys())
    ours, origins, dropped, problems = {}, {}, {}, []
    for name, value in tensors.items():
        found = _find_rule(name, rules)
        if found is None:
            problems.append(f'unknown: {name} {tuple(value.shape)}')
            continue
        rule, match = found
        if isinstance(rule, Drop):
            dropped[name] = rule.reason
            continue
        new = rule.rename(match)
        if new in origins:
            problems.append(f'twice: {origins[new]} and {name} are both {new}')
            continue
        origins[new] = name
        ours[new] = rule.change(value) if rule.change else value
    return Renamed(family, ours, origins, dropped), problems


def _family(names: list[str], source: str) -> str:
    found = [
        family
        for family, (pattern, _) in FAMILIES.items()
        if any(re.fullmatch(pattern, name) for name in names)
    ]
    if len(found) != 1:
        parts = ', '.join(map(repr, dict.fromkeys(name.split('.')[0] for name in names)))
        raise CheckpointError(
            f'{source}: found tensors below {parts}, as in {" and ".join(found) or "no project"} '
            'known here, expected a model of detectron2, PointRend of mmdet or PointRend of mmseg'
        )
    return found[0]


def _find_rule(name: str, rules: list[Rule]) -> tuple[Rule, re.Match] | None:
    found = [(rule, match) for rule in rules if (match := re.fullmatch(rule.pattern, name))]
    assert len(found) < 2, f'{name}: claimed by {[rule.pattern for rule, _ in found]}'
    return found[0] if found else None


def _both(theirs: str, ours: str) -> str:
    return theirs if theirs == ours else f'{theirs} -> {ours}'


def _pixel_problems(
    tensors: Mapping[str, Tensor], normalisation: Mapping[str, Sequence[float]]
) -> list[str]:
    problems = []
    for key, expected in normalisation.items():
        if f'pixel_{key}' not in tensors:
            continue
        found = tensors[f'pixel_{key}'].flatten().tolist()
        if len(found) != len(expected) or any(
            abs(a - b) > 1e-3 for a, b in zip(found, expected, strict=True)
        ):
            problems.append(
                f'other pixels: pixel_{key}: found {[round(x, 3) for x in found]}, '
                f'data_preprocessor.{key} of the model is {list(expected)}'
            )
    return problems
