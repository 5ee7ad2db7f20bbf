"""A store on a real file system that is too small for it."""

import pytest

from gateway.store import vacuum
from gateway.store.database import WAL_OCTETS_KEPT
from gateway.store.room import MIB, Limits
from hil_tests.real_disk import RealDisk, has_ext4
from tests.gateway.store.bench import BOOT, UID, opened
from tests.gateway.store.test_quota import block, filled, kept, named

CYCLES = {"tmpfs": 20, "ext4": 3}
FLOOR = Limits(floor_octets=2 * MIB)
KINDS = ["tmpfs", "ext4"] if has_ext4() else ["tmpfs"]


async def keep_house(bench, rounds):
    for _ in range(rounds):
        bench.store.forget_delivered()
        await bench.store.flush()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.timeout(60)
async def test_a_disk_that_is_filled_and_drained_again_and_again_holds_what_is_not_named(kind):
    with RealDisk(octets=14 * MIB, kind=kind) as disk:
        async with opened(disk.path / "state", limits=FLOOR, vfs=disk.vfs) as bench:
            bench.store.register_sink("mqtt")
            seq = 0
            cursor = 0
            for _ in range(CYCLES[kind]):
                begun = seq
                while not bench.store.dropped["readings"] or seq < begun + 1000:
                    for _number in range(200):
                        seq += bench.store.append(block(seq, values=300))
                    await bench.store.flush()
                    seq = bench.store.next_seq(UID, BOOT, 1)  # what was refused comes again
                    await keep_house(bench, 1)
                    if seq > begun + 20_000:
                        break
                stored, gaps = kept(bench)
                last = bench.store.read_after(cursor, 1_000_000)
                assert sorted(set(stored + named(gaps)) & set(range(begun, seq))) == list(range(begun, seq))
                cursor = last[-1].id
                bench.store.move_cursor("mqtt", cursor)
                await keep_house(bench, 40)
                assert bench.store.stored <= 64
            assert bench.store.state == "open"
        assert (disk.path / "state" / "store.db").stat().st_size <= vacuum.SHRUNK_OCTETS
        assert (disk.path / "state" / "store.db-wal").stat().st_size <= WAL_OCTETS_KEPT


@pytest.mark.parametrize("kind", KINDS)
async def test_on_a_disk_that_others_filled_all_that_was_acknowledged_is_there_or_named(kind):
    with RealDisk(octets=32 * MIB, kind=kind) as disk:
        async with opened(disk.path / "state", limits=Limits(floor_octets=MIB), vfs=disk.vfs) as bench:
            await filled(bench, range(1000))
            await keep_house(bench, 2)
            disk.fill()
            refused = await filled(bench, range(1000, 3000))
            await keep_house(bench, 20)
            disk.free()
            seq = max(each.seq for each in bench.acknowledged) + 1
            while not bench.store.append(block(seq)):
                await keep_house(bench, 1)
            await bench.store.flush()
            assert bench.store.state == "open"
            assert refused or bench.store.dropped["readings"] or bench.refusals
            stored, gaps = kept(bench)
            assert sorted(stored + named(gaps)) == [each.seq for each in bench.acknowledged]
