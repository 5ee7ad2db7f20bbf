"""gateway/store/consumers.py and holds.py: what is kept though it is delivered."""

import pytest

from gateway.store import consumers
from gateway.store.account import account
from gateway.store.consumers import Extent, Kept
from gateway.store.holds import Hold, Holds
from gateway.store.losses import FORGOTTEN
from gateway.store.store import FORGET_LEAST
from tests.gateway.store.bench import BOOT, OTHER, UID, opened
from tests.gateway.store.test_quota import SMALL, filled, kept, named
from wire import up

KEY = (UID, BOOT, 1)
COUNT = 3 * FORGET_LEAST


def known(store, sink="mqtt"):
    return store.ask(lambda connection: consumers.kept(connection, sink))


async def forget(bench):
    bench.store.forget_delivered()
    await bench.store.flush()


async def test_what_a_sink_holds_stays_though_it_is_delivered(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(COUNT))
        bench.store.move_cursor("mqtt", COUNT)
        bench.store.hold("mqtt", Hold(0, 0))
        await bench.store.flush()
        await forget(bench)
        assert bench.store.stored == COUNT
        bench.store.hold("mqtt", Hold(COUNT, 2 * FORGET_LEAST))
        await forget(bench)
        assert bench.seqs() == list(range(2 * FORGET_LEAST, COUNT))


@pytest.mark.parametrize(
    ("cursors", "pressed", "upto"),
    [
        ([], False, None),
        ([("a", 10), ("b", 20)], False, 10),
        ([("b", 20), ("held", 20)], False, 3),
        ([("b", 20), ("held", 20)], True, 7),
        ([("b", 5), ("held", 20)], True, 5),
        ([("held", 1)], False, 1),
    ],
)
def test_the_least_of_all_sinks_decides_and_want_of_room_takes_the_tail(cursors, pressed, upto):
    holds = Holds()
    holds.put("held", Hold(7, 3))
    assert holds.forgettable(cursors, pressed=pressed) == upto


async def test_a_rewound_cursor_is_durable_and_moves_on_from_there(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(20))
        bench.store.move_cursor("mqtt", 15, [(17, 18)])
        await bench.store.flush()
        bench.store.rewind("mqtt", 4)
        assert (bench.store.cursor("mqtt"), bench.store.ranges("mqtt")) == (4, [])
        bench.store.rewind("mqtt", 10)  # never forward
        bench.store.move_cursor("mqtt", 6)
        assert bench.store.cursor("mqtt") == 6
    async with opened(tmp_path) as bench:
        assert (bench.store.cursor("mqtt"), bench.store.ranges("mqtt")) == (6, [])


async def test_a_move_that_waits_for_its_commit_does_not_undo_a_rewind(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(20))
        bench.store.move_cursor("mqtt", 15)
        bench.store.rewind("mqtt", 4)
    async with opened(tmp_path) as bench:
        assert bench.store.cursor("mqtt") == 4


async def test_marks_are_kept_and_replaced(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.put_work("c", consumers.keep("mqtt", "hist", "one", {KEY: 5}, whole=True))
        bench.store.put_work("d", consumers.keep("mqtt", "gone", "x", {}, whole=True))
        bench.store.put_work("e", consumers.keep("other", "hist", "y", {KEY: 1}, whole=True))
        await bench.store.flush()
        assert known(bench.store) == {"hist": Kept("one", {KEY: 5}), "gone": Kept("x", {})}
        bench.store.put_work("c", consumers.keep("mqtt", "hist", "one", {(OTHER, BOOT, 1): 2}, whole=False))
        bench.store.put_work("d", consumers.keep_only("mqtt", ["hist"]))
        await bench.store.flush()
    async with opened(tmp_path) as bench:
        assert known(bench.store) == {"hist": Kept("one", {KEY: 5, (OTHER, BOOT, 1): 2})}
        bench.store.put_work("c", consumers.keep("mqtt", "hist", "two", {KEY: 3}, whole=True))
        await bench.store.flush()
        assert known(bench.store) == {"hist": Kept("two", {KEY: 3})}
        assert known(bench.store, "other") == {"hist": Kept("y", {KEY: 1})}


async def test_what_is_forgotten_is_named_from_the_seq_that_is_wanted(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(COUNT))
        bench.store.move_cursor("mqtt", 2 * FORGET_LEAST)
        await bench.store.flush()
        await forget(bench)
        assert bench.store.ask(consumers.extents) == {KEY: Extent(0, COUNT, 2 * FORGET_LEAST)}
        wanted = {KEY: 10, (OTHER, BOOT, 1): 0}
        bench.store.put_work("f", consumers.name_forgotten(wanted))
        await bench.store.flush()
        bench.store.put_work("f", consumers.name_forgotten({KEY: 2 * FORGET_LEAST}))  # nothing is gone
        await bench.store.flush()
        *_, last = bench.store.read_after(0, 1000)
        gap = up.decode(last.message)
        assert (gap.seq, gap.next_seq, gap.reason) == (10, 2 * FORGET_LEAST, FORGOTTEN)
        assert bench.store.stored == COUNT - 2 * FORGET_LEAST + 1
    assert account(tmp_path / "store.db").holds  # it was delivered, and is named as well


async def test_records_pass_without_what_they_say(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(5))
        rows = bench.store.ask(lambda connection: consumers.passing(connection, 1, 4, 2))
        assert [(row.id, row.key, row.next_seq) for row in rows] == [(2, KEY, 2), (3, KEY, 3)]
        assert rows[0].octets == 68


@pytest.mark.parametrize("confirmed", [0, 7000])
async def test_a_consumer_that_never_speaks_fills_no_disk_and_what_goes_for_it_is_named(tmp_path, confirmed):
    async with opened(tmp_path, limits=SMALL) as bench:
        bench.store.register_sink("mqtt")
        bench.store.hold("mqtt", Hold(confirmed, 0))
        for first in range(0, 8000, 1000):
            assert not await filled(bench, range(first, first + 1000))
            bench.store.move_cursor("mqtt", first + 1000)  # the broker has it all
        await bench.store.flush()
        stored, gaps = kept(bench)
    assert sorted(stored + named(gaps))[-1000:] == list(range(7000, 8000))
    if confirmed:  # only the tail went, which nobody misses
        assert (gaps, stored[-1]) == ([], 7999)
    else:
        assert sorted(stored + named(gaps)) == list(range(8000))
        assert {gap.reason for gap in gaps} == {"dropped_by_gateway"}
