"""Values of files that may hold anything."""

from typing import Any

import pytest

from mmpointrend.annotation import PointAnnotationError
from mmpointrend.annotation.formats.values import entry, expecting, numbers, optional


def test_a_value_of_the_right_kind_is_returned() -> None:
    assert entry({'a': [1]}, 'a', list) == optional({'a': [1]}, 'a', list) == [1]


@pytest.mark.parametrize('get', [entry, optional])
@pytest.mark.parametrize(
    ('item', 'found'),
    [
        (5, '5 in place of an object'),
        (['a'], r"\['a'\] in place of an object"),
        ({'a': 5}, 'a 5 in place of a list'),
    ],
)
def test_another_kind_of_value_is_named(get: Any, item: Any, found: str) -> None:
    with pytest.raises(ValueError, match=found):
        get(item, 'a', list)


@pytest.mark.parametrize('item', [{}, {'a': None}])
def test_an_optional_value_may_be_missing_or_null(item: dict[str, Any]) -> None:
    assert optional(item, 'a', int) is None
    assert optional(item, 'a', int, 7) == 7


def test_numbers_are_as_many_as_they_must_be() -> None:
    assert numbers([1, 2.5], 2) == [1, 2.5]
    with pytest.raises(ValueError, match=r'\[1, 2.5\] in place of 3 numbers'):
        numbers([1, 2.5], 3)


def test_an_error_names_the_file_what_was_found_and_what_was_expected() -> None:
    with (
        pytest.raises(PointAnnotationError, match=r"^f\.json: found no 'a', expected b$"),
        expecting('f.json', 'b'),
    ):
        entry({}, 'a', int)


def test_an_error_that_names_its_place_stays_as_it_is() -> None:
    with (
        pytest.raises(
            PointAnnotationError, match=r"^f\.json: items\[3\]: found no 'a', expected b$"
        ),
        expecting('f.json', 'c'),
        expecting('f.json: items[3]', 'b'),
    ):
        entry({}, 'a', int)
