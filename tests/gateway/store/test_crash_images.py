"""What power cuts leave of the store, at any moment of many lives: nothing acknowledged is missing."""

import logging
import random

import pytest

from hil_tests.counts import COUNTED
from hil_tests.faults import mistakes
from hil_tests.faults.crash_images import crash_image, crash_images
from hil_tests.faults.disk import Disk, Kind, Operation

IMAGES = 50_000
SEED = 1
CONTROL_IMAGES = 500  # within so many, each mistake is found many times


@pytest.fixture(autouse=True)
def _the_log_is_quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(900)
def test_no_power_cut_costs_an_acknowledged_record(record_property):
    counts = crash_images(SEED, IMAGES)
    said = f"{counts.images} crash images of {counts.histories} histories, {counts.rows} rows"
    record_property(COUNTED, f"{said}, {counts.lost} lost")
    assert counts.mistakes == []
    assert (counts.images, counts.lost) == (IMAGES, 0)
    assert counts.rows > 10 * IMAGES


@pytest.mark.timeout(60)
@pytest.mark.parametrize("mistake", [mistakes.synchronous_normal, mistakes.ack_before_commit])
def test_a_store_with_a_mistake_is_found_out(mistake, record_property):
    with mistake():
        counts = crash_images(SEED, CONTROL_IMAGES)
    assert counts.mistakes, "nobody noticed"
    record_property(COUNTED, f"{len(counts.mistakes)} found, and no more kept: {counts.mistakes[0]}")


def test_an_image_can_be_had_again_from_its_seed_and_number(tmp_path):
    """But for SQLite's random numbers, which are in the WAL."""
    found = []
    for number in (40, 40, 41):
        place = tmp_path / str(len(found))
        verdict = crash_image(SEED, number, place)
        assert verdict.mistakes == []
        sizes = {each.name: each.stat().st_size for each in place.iterdir()}
        found.append((verdict.rows, sizes, (place / "store.db").read_bytes()))
    assert found[0] == found[1] != found[2]


def write(at, data):
    return Operation(kind=Kind.WRITE, name="file", at=at, data=data)


def disk_after(*operations, seed=0):
    disk = Disk(random.Random(seed))
    disk.apply(Operation(kind=Kind.CREATE, name="file"))
    for operation in operations:
        disk.apply(operation)
    return disk


SYNC = Operation(kind=Kind.SYNC, name="file")
SYNC_FAILED = Operation(kind=Kind.SYNC_FAILED, name="file")
SYNC_NAMES = Operation(kind=Kind.SYNC_NAMES)


def cuts(disk, count=500):
    return [disk.cut(random.Random(seed)) for seed in range(count)]


def test_what_is_synced_survives_every_cut():
    disk = disk_after(write(0, b"a" * 1000), SYNC, SYNC_NAMES)
    assert disk.settled
    assert all(files == {"file": b"a" * 1000} for files in cuts(disk))


def test_what_is_not_synced_may_be_there_or_not_or_torn_at_a_sector():
    disk = disk_after(SYNC, SYNC_NAMES, write(0, b"a" * 1024), write(1024, b"b" * 512))
    found = {files["file"] for files in cuts(disk)}
    whole = b"a" * 1024 + b"b" * 512
    assert {b"", b"a" * 512, whole, bytes(1024) + b"b" * 512, bytes(512) + b"a" * 512} <= found
    assert all(
        each[at : at + 512] in {b"", bytes(512), whole[at : at + 512]}
        for each in found
        for at in (0, 512, 1024)
    )


def test_a_file_whose_folder_is_not_synced_may_have_no_name():
    disk = disk_after(write(0, b"a"), SYNC)
    assert {files.get("file") for files in cuts(disk)} == {None, b"a"}


def test_what_a_failed_sync_did_not_write_no_later_sync_writes():
    disk = disk_after(SYNC_NAMES, write(0, b"a" * 512), SYNC_FAILED, SYNC)
    assert disk.cached() == {"file": b"a" * 512}
    outcomes = set()
    for seed in range(50):
        disk = Disk(random.Random(seed))
        for operation in (
            Operation(kind=Kind.CREATE, name="file"),
            SYNC_NAMES,
            write(0, b"a" * 512),
            SYNC_FAILED,
            SYNC,
        ):
            disk.apply(operation)
        assert disk.settled
        outcomes.add(disk.cut(random.Random(0))["file"])
    assert outcomes == {b"", b"a" * 512}
