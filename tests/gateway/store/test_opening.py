"""Who may open which store."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from gateway.store import Store, StoreError
from tests.gateway.store.bench import change, opened

ROOT = Path(__file__).parents[3]


async def test_one_directory_is_for_one_store(tmp_path):
    async with opened(tmp_path):
        with pytest.raises(StoreError, match=r"in use by process \d+") as error:
            Store.open(tmp_path)
        assert error.value.reason == "in_use"
        code = "import sys, pathlib, gateway.store as s; s.Store.open(pathlib.Path(sys.argv[1]))"
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, tmp_path, cwd=ROOT, stderr=asyncio.subprocess.PIPE
        )
        _, said = await other.communicate()
        assert f"in use by process {os.getpid()}".encode() in said
    async with opened(tmp_path) as bench:
        await bench.fill([0])
        assert bench.seqs() == [0]


async def test_a_newer_store_is_refused_and_left_alone(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(3))
    change(tmp_path, "PRAGMA user_version = 99; CREATE TABLE later (x)")
    with pytest.raises(StoreError, match="of version 99, this program knows up to 1") as error:
        Store.open(tmp_path)
    assert error.value.reason == "newer"
    change(tmp_path, "PRAGMA user_version = 1; DROP TABLE later")
    async with opened(tmp_path) as bench:
        assert bench.seqs() == [0, 1, 2]


def test_a_directory_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as error:
        Store.open(tmp_path / "file" / "state")
    assert error.value.reason == "io"


@pytest.mark.parametrize("group_commit_ms", [0, 251])
def test_the_window_has_bounds(tmp_path, group_commit_ms):
    with pytest.raises(ValueError, match="not within 1 to 250"):
        Store.open(tmp_path, group_commit_ms=group_commit_ms)
