"""Writing results into the metafile.yml of a model zoo."""

import re
from typing import Any

import yaml

ENTRY = re.compile(r'  - Name: (?P<name>.+?)\s*(#.*)?$')


def model_names(text: str) -> list[str]:
    """Return the names of the models in the text of a metafile.

    Raises:
        ValueError: The text is no metafile.
    """
    return [model['Name'] for model in _read(text)['Models']]


def fill_metafile(text: str, results: dict[str, dict[str, float]]) -> str:
    """Write the results of models into the text of a metafile; all else stays as it is.

    Args:
        text: A metafile of OpenMMLab's layout: ``Models`` is the last key, a list indented by two
            whose items begin with ``Name`` and say ``Training Data`` in their ``Metadata``.
        results: Metrics in percent of some of its models by name.

    Returns:
        The text, in which ``Results`` of these models are replaced or new, and no other line
        differs.

    Raises:
        ValueError: A model is not there, or the text has another layout.
    """
    # What the file will say, to check the lines against.
    content = _read(text)
    models = {model['Name']: model for model in content['Models']}
    lines = text.splitlines(keepends=True)
    for name, metrics in results.items():
        if name not in models:
            raise ValueError(f'found no model {name}')
        dataset = models[name]['Metadata']['Training Data']
        block = [
            '    Results:\n',
            '      - Task: Instance Segmentation\n',
            f'        Dataset: {dataset}\n',
            '        Metrics:\n',
            *(f'          {metric}: {value:.1f}\n' for metric, value in metrics.items()),
        ]
        models[name].update(yaml.safe_load(''.join(block)))
        lines = _replace_results(lines, name, block)
    filled = ''.join(lines)
    if _read(filled) != content:
        raise ValueError('found another layout than that of the metafiles in configs/')
    return filled


def _read(text: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f'found no valid YAML: {" ".join(str(error).split())}') from error
    if not isinstance(content, dict) or not isinstance(content.get('Models'), list):
        raise ValueError("found no list 'Models', expected a metafile")
    return content


def _replace_results(lines: list[str], name: str, block: list[str]) -> list[str]:
    entries = [index for index, line in enumerate(lines) if _name(line) == name]
    if len(entries) != 1:
        raise ValueError(f'found {len(entries)} lines "- Name: {name}", expected one')
    start = entries[0] + 1
    end = _end_of_block(lines, start, indent=4)
    found = [index for index in range(start, end) if lines[index].startswith('    Results:')]
    first = found[0] if found else end
    last = _end_of_block(lines, first + 1, indent=5) if found else end
    return [*lines[:first], *block, *lines[last:]]


def _name(line: str) -> str | None:
    match = ENTRY.match(line)
    return match and match['name']


def _end_of_block(lines: list[str], start: int, indent: int) -> int:
    """The line after the last one, from the start on, that is indented at least so much."""
    end = start
    while end < len(lines) and lines[end].startswith(' ' * indent):
        end += 1
    return end
