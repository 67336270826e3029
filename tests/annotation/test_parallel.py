import os

import pytest

from mmpointrend.annotation import parallel_map


@pytest.mark.parametrize('workers', [1, 2])
def test_every_item_once(workers):
    assert sorted(parallel_map(abs, range(-20, 0), workers)) == list(range(1, 21))


def process_id(_):
    return os.getpid()


def test_one_worker_is_this_process():
    assert set(parallel_map(process_id, range(3), 1)) == {os.getpid()}


def test_several_workers_are_others():
    assert os.getpid() not in set(parallel_map(process_id, range(3), 2))


def test_no_item():
    assert list(parallel_map(abs, [], 2)) == []
