import random

import pytest

from gateway.archive.errors import ArchiveError
from gateway.archive.index import verify
from gateway.store import StoreError, small_rows
from gateway.store.database import WAL_OCTETS_KEPT
from gateway.store.importing import opened, take
from gateway.store.lock import LOCK_NAME, DirectoryLock
from gateway.store.room import MIB, Limits
from tests.gateway.archive import samples
from tests.gateway.store.gateways import Gateway, filled, stick

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def first(tmp_path):
    return filled(tmp_path / "first")


@pytest.fixture
def home(tmp_path):
    return Gateway(tmp_path / "home", machine="machine-2")


def test_a_broken_archive_changes_nothing(first, home):
    path = stick(first)
    home.boot()
    home.fill(range(10))
    before = home.store.read_bytes()
    whole = path.read_bytes()
    draw = random.Random("broken archives")
    refused = 0
    for _ in range(60):
        octets = bytearray(whole)
        octets[draw.randrange(10, len(octets))] ^= 1 << draw.randrange(8)
        path.write_bytes(octets)
        with pytest.raises(ArchiveError):
            home.take(path)
        refused += 1
    assert (refused, home.store.read_bytes()) == (60, before)


def test_a_file_that_changes_between_the_looks_changes_nothing(first, home):
    path, other = stick(first), stick(first, "other", node=samples.OTHER)
    index = verify(path)
    home.boot()
    before = home.rows(small_rows.HOST_BOOT)
    with pytest.raises(ArchiveError, match="has changed"), opened(home.directory, index) as database:
        take(database, other, index, here="machine-2", day=1)
    assert home.rows(small_rows.HOST_BOOT) == before
    assert home.records() == []


def test_a_state_directory_that_takes_no_lock_is_the_stores_fault_and_not_the_archives(first, tmp_path):
    path = stick(first)
    (tmp_path / "odd" / LOCK_NAME).mkdir(parents=True)
    with pytest.raises(StoreError, match=LOCK_NAME), opened(tmp_path / "odd", verify(path)):
        pass


def test_a_store_that_an_agent_holds_is_not_touched(first, home):
    path = stick(first)
    home.boot()
    lock = DirectoryLock(home.directory)
    with pytest.raises(StoreError) as error:
        home.take(path)
    lock.release()
    assert error.value.reason == "in_use"


@pytest.mark.parametrize(
    ("limits", "key"),
    [
        (Limits(max_octets=16 * MIB + WAL_OCTETS_KEPT), "max_mib"),
        (Limits(floor_octets=1 << 60), "free_floor_mib"),
    ],
)
def test_more_than_there_is_room_for_is_not_taken(first, home, limits, key):
    path = stick(first)
    index = verify(path)
    index.octets = 15 * MIB
    index.records = 10_000
    with (
        pytest.raises(StoreError, match=f"16 MiB come, and {key} leaves") as error,
        opened(home.directory, index, limits),
    ):
        pass
    assert error.value.reason == "full"
    with opened(home.directory, verify(path)) as database:
        assert database.path == home.store


def test_without_a_state_directory_there_is_no_import(first, tmp_path):
    home = Gateway(tmp_path / "nowhere")
    home.directory.rmdir()
    with pytest.raises(StoreError) as error:
        home.take(stick(first))
    assert error.value.reason == "missing"
