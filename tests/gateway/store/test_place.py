"""Somebody moves or deletes the files of a store under its agent."""

import asyncio

import pytest

from gateway.store import StoreState
from tests.gateway.store.bench import arrival, opened

FILES = ("store.db", "store.db-wal", "store.lock")
DEADLINE_S = 8
TRIES = 3  # the commit, and to recover


async def until_it_takes(bench, seq):
    async with asyncio.timeout(DEADLINE_S):
        while not bench.store.append(arrival(seq)):  # noqa: ASYNC110 - the writer is a thread
            await asyncio.sleep(0.01)
        await bench.store.flush()


@pytest.mark.parametrize("name", FILES)
async def test_nothing_is_acknowledged_into_a_file_that_nobody_would_find(tmp_path, name):
    state = tmp_path / "state"
    async with opened(state) as bench:
        await bench.fill(range(3))
        (state / name).rename(tmp_path / name)
        bench.append([3])
        await bench.store.flush()
        assert [each.seq for each in bench.acknowledged] == [0, 1, 2]
        [(refused, error)] = bench.refusals
        assert ([each.seq for each in refused], error.reason) == ([3], "moved")
        async with asyncio.timeout(DEADLINE_S):
            while bench.store.counts.failures < TRIES:  # noqa: ASYNC110 - the writer is a thread
                await asyncio.sleep(0.01)
        assert bench.store.state is StoreState.DEGRADED
        assert bench.store.detail.startswith(f"moved: {state / name} is not the file any more")
        (tmp_path / name).rename(state / name)
        await until_it_takes(bench, 3)
        assert bench.store.state is StoreState.OPEN
        assert [each.seq for each in bench.acknowledged] == [0, 1, 2, 3]
    async with opened(state) as bench:
        assert bench.seqs() == [0, 1, 2, 3]


async def test_another_file_in_its_place_is_none_of_it(tmp_path):
    async with opened(tmp_path / "other") as other:
        await other.fill(range(7))
    async with opened(tmp_path / "state") as bench:
        await bench.fill(range(3))
        (tmp_path / "other" / "store.db").replace(tmp_path / "state" / "store.db")
        bench.append([3])
        await bench.store.flush()
        assert [error.reason for _, error in bench.refusals] == ["moved"]
        assert bench.seqs() == [0, 1, 2]  # what it still has in its hands can be delivered
