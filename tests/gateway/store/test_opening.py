"""Who may open which store."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.store import Store, StoreError
from tests.gateway.store.bench import change, opened

DEAD_MAN_SWITCH = 128  # offset of the lock in the -shm file (SQLite, os_unix.c: UNIX_SHM_DMS)

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
    for path in (tmp_path / "file" / "state", tmp_path / "file"):
        with pytest.raises(StoreError) as error:
            Store.open(path)
        assert error.value.reason == "io"


@pytest.mark.parametrize("group_commit_ms", [0, 251])
def test_the_window_has_bounds(tmp_path, group_commit_ms):
    with pytest.raises(ValueError, match="not within 1 to 250"):
        Store.open(tmp_path, group_commit_ms=group_commit_ms)


def others_could_cut(directory):
    """Whether another process gets the lock with which SQLite begins a new -shm: the dead man switch."""
    attempt = (
        "import fcntl, sys; file = open(sys.argv[1], 'r+b');"
        f"fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, {DEAD_MAN_SWITCH})"
    )
    ran = subprocess.run(
        [sys.executable, "-c", attempt, directory / "store.db-shm"], capture_output=True, check=False
    )
    return ran.returncode == 0


async def test_whoever_looks_into_the_store_meanwhile_cannot_cut_its_shared_memory(tmp_path):
    for _ in range(2):  # a new store, and one with a WAL
        async with opened(tmp_path) as bench:
            await bench.fill(range(3))
            assert not others_could_cut(tmp_path)
    async with opened(tmp_path):
        (tmp_path / "store.db-shm").open("rb").close()  # what nobody may do in the process of a store
        assert others_could_cut(tmp_path)
