from itertools import permutations, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.store import losses, small_rows
from gateway.store.account import account
from gateway.store.import_stream import NOT_IN_IMPORT
from gateway.store.stretches import Kind
from tests.gateway.archive import samples
from tests.gateway.store.bench import change
from tests.gateway.store.bench import opened as opened_by_agent
from tests.gateway.store.gateways import Gateway, filled, seqs, stick

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def first(tmp_path):
    return filled(tmp_path / "first")


@pytest.fixture
def home(tmp_path):
    return Gateway(tmp_path / "home", machine="machine-2")


def test_what_was_exported_is_there_after_the_import(first, home):
    done = home.take(stick(first))
    assert (done.readings, done.gaps, done.repeats, done.found, done.lost) == (95, 1, 0, 0, 0)
    assert (done.descriptors, done.exchanges, done.host_boots) == (1, 8, 1)
    assert home.records() == first.records()
    assert home.records(kind=5) == first.records(kind=5)
    assert home.losses() == first.losses() == [(50, 55, "queue_full")]
    assert home.holds()


def test_the_second_time_there_is_nothing_to_take(first, home):
    path = stick(first)
    home.take(path)
    before = home.store.read_bytes()
    done = home.take(path)
    assert not done.changed
    assert (done.readings, done.gaps, done.repeats) == (0, 0, 96)
    assert (done.found, done.lost) == (0, 0)
    assert home.store.read_bytes() == before


def test_an_archive_goes_back_into_the_store_it_came_from_without_a_trace(first):
    done = first.take(stick(first))
    assert not done.changed
    assert done.repeats == 96


def test_the_stick_brings_what_a_lost_store_had(first, tmp_path):
    path = stick(first)
    again = Gateway(tmp_path / "again")
    again.boot(2)  # the same machine, in a later boot, with an empty store
    again.take(path)
    assert again.records() == first.records()
    boots = again.rows(small_rows.HOST_BOOT)
    assert [(row[0], row[1], row[8]) for row in boots] == [
        (2, "boot-machine-1-2", ""),
        (3, "boot-machine-1-1", "machine-1.1"),  # before or after the other: nobody knows any more
    ]


def test_a_hole_is_a_named_gap_and_a_later_stick_fills_it(first, home):
    early, late = first.directory.parent / "early", first.directory.parent / "late"
    first.sink("far", cursor=70)
    first.export(late, sink="far")
    first.export(early)
    home.take(late)
    assert seqs(late) == list(range(74, 100))
    assert home.account().streams[0].first_seq == 74  # of what may come before, nobody knows
    done = home.take(early)
    assert (done.readings, done.repeats, done.found, done.lost) == (69, 26, 0, 0)
    assert home.records() == first.records()
    assert home.holds()


def test_a_hole_in_the_middle_is_named_with_its_time(first, home):
    first.sink("far", cursor=20, ranges=[(31, 40)])
    done = home.take(stick(first, "holes", sink="far"))
    assert (done.readings, done.lost) == (65, 10)
    assert home.losses() == [(30, 40, NOT_IN_IMPORT), (50, 55, "queue_full")]
    gap = next(row for row in home.records(kind=5) if row[3] == 30)
    assert gap[5] == samples.gap(
        30, 40, reason=NOT_IN_IMPORT, t_first=(30 * 3 - 1) * samples.PERIOD_US, span=31 * samples.PERIOD_US
    )
    assert home.holds()
    done = home.take(stick(first, "whole"))
    assert (done.readings, done.found, done.lost) == (30, 10, 0)
    assert home.losses() == first.losses()
    assert home.holds()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_sticks_in_any_order_bring_the_same(tmp_path, order):
    first, home = Gateway(tmp_path / "first"), Gateway(tmp_path / "home", machine="machine-2")
    sticks = []
    for number in range(3):
        first.boot(number + 1)
        first.fill(range(10 * number, 10 * number + 10), host_boot=number + 1)
        first.sink("far", cursor=10 * number)
        sticks.append(stick(first, f"stick {number}", sink="far"))
    assert [len(seqs(path)) for path in sticks] == [10, 10, 10]
    for number in order:
        home.take(sticks[number])
        assert home.holds()
    assert home.records() == first.records()
    assert home.losses() == []
    boots = {row[0]: row[1] for row in home.rows(small_rows.HOST_BOOT) if row[8] == "machine-1"}
    assert [boots[number] for number in sorted(boots)] == sorted(boots.values())


def test_what_was_delivered_and_deleted_here_is_not_taken_again(first, home):
    path = stick(first)
    home.take(path)
    home.sink("mqtt", cursor=80)
    home.forget()
    done = home.take(path)
    assert not done.changed
    stream = home.account().streams[0]
    assert (stream.settled, stream.stored) == (79, 16)


def test_what_was_lost_and_settled_here_comes_from_a_stick_all_the_same(first, home):
    first.sink("far", cursor=20, ranges=[(31, 40)])
    home.take(stick(first, "holes", sink="far"))
    home.sink("mqtt", cursor=50)
    home.forget()
    settled = home.account().streams[0].settled
    assert settled > 0
    done = home.take(stick(first, "whole"))
    assert done.found == 10
    stream = home.account().streams[0]
    assert home.holds()
    assert stream.settled == settled
    assert stream.stored + stream.settled == 95
    home.sink("mqtt", cursor=10_000)
    home.forget()
    assert home.holds()
    assert home.account().streams[0].settled >= 94  # the newest record stays


def test_the_gap_of_a_stick_does_not_take_the_place_of_readings(first, home):
    home.boot()
    home.fill(range(40, 53))
    done = home.take(stick(first))
    assert (done.readings, done.gaps) == (40 + 45, 1)
    assert home.losses() == [(53, 55, "queue_full")]
    assert home.holds()


def test_the_reason_of_a_node_takes_the_place_of_not_in_import(first, home):
    change(first.directory, "DELETE FROM loss")
    first.sink("far", cursor=40, ranges=[(46, 60)])
    home.take(stick(first, "holes", sink="far"))
    assert home.losses() == [(45, 64, NOT_IN_IMPORT)]
    home.take(stick(first, "whole"))
    assert home.losses() == [(50, 55, "queue_full")]
    assert home.holds()


def test_what_salvage_looks_for_may_come_from_a_stick(first, home):
    path = stick(first)
    home.boot()
    home.fill(range(20, 60))

    def rebuilt(connection, _ledger):
        [row] = small_rows.STREAM.rows(connection)
        small_rows.STREAM.put(connection, [(*row[:3], 10, row[4], 10, *row[6:])])
        small_rows.STRETCH.put(connection, [(*row[:3], 10, 20, int(Kind.WANTED))])

    home.commit(rebuilt)
    assert not home.holds()
    home.take(path)
    assert home.holds()
    assert [row[3] for row in home.records()] == list(range(100))
    assert {row[5] for row in home.rows(small_rows.STRETCH)} == {Kind.LATE}


@st.composite
def some_records(draw):
    """Of two nodes, two streams each: readings, and gaps of the node's own."""
    records = []
    for uid, stream in product((samples.UID, samples.OTHER), (1, 2)):
        seq = draw(st.integers(0, 50))
        for length in draw(st.lists(st.integers(-3, 6), max_size=4)):
            if length > 0:
                records += [samples.record(each, uid=uid, stream=stream) for each in range(seq, seq + length)]
            elif length < 0:
                records.append(samples.record(seq, next_seq=seq - length, uid=uid, stream=stream))
            seq += abs(length)
    return records


@given(st.data())
@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_store_goes_over_in_any_parts(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("parts")
    first, home = Gateway(folder / "first"), Gateway(folder / "home", machine="machine-2")
    first.boot()
    home.boot()
    first.put(data.draw(some_records()))
    sticks = []
    for number in range(data.draw(st.integers(1, 3))):
        cursor = data.draw(st.integers(0, 40))
        ranges = data.draw(st.sampled_from([[], [(cursor + 3, cursor + 5)], [(cursor + 2, cursor + 2)]]))
        first.commit(lambda connection, _ledger: connection.execute("DELETE FROM sink"))
        first.sink("far", cursor=cursor, ranges=ranges)
        sticks.append(stick(first, f"stick {number}", sink="far"))
    for path in [*data.draw(st.permutations(sticks)), stick(first, "all")]:
        home.take(path)
        assert home.holds()
    assert home.records() == first.records()
    assert home.losses() == first.losses()
    assert not home.take(folder / "all").changed


@given(st.data())
@settings(deadline=None, max_examples=8)
def test_every_seq_is_accounted_for_whatever_is_delivered_between_the_sticks(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("between")
    first, home = Gateway(folder / "first"), Gateway(folder / "home", machine="machine-2")
    first.boot()
    home.boot()
    first.put(data.draw(some_records()))
    for number in range(3):
        first.commit(lambda connection, _ledger: connection.execute("DELETE FROM sink"))
        first.sink("far", cursor=data.draw(st.integers(0, 40)) if number < 2 else 0)
        home.take(stick(first, f"stick {number}", sink="far"))
        home.sink("mqtt", cursor=data.draw(st.integers(0, 60)))
        home.forget()
        assert home.holds()
    came = {each.uid + bytes([each.stream]): each.stored + each.settled for each in home.account().streams}
    assert came == {each.uid + bytes([each.stream]): each.stored for each in first.account().streams}
    assert home.losses() == first.losses()


def test_what_is_named_at_home_keeps_its_reason(first, home):
    def lose(connection, _ledger):
        small_rows.LOSS.put(connection, [(samples.UID, samples.BOOT, 1, 10, 13, "dropped_by_gateway")])
        connection.execute("DELETE FROM record WHERE seq BETWEEN 10 AND 14")

    first.commit(lose)
    home.take(stick(first))
    assert home.losses() == [
        (10, 13, "dropped_by_gateway"),
        (13, 15, NOT_IN_IMPORT),
        (50, 55, "queue_full"),
    ]


def test_a_boot_whose_row_is_damaged_goes_over_without_its_time(first, home):
    change(first.directory, "UPDATE host_boot SET seen_ns = 1")
    home.take(stick(first))
    [row] = home.rows(small_rows.HOST_BOOT)
    assert (row[1], row[4]) == ("unknown-machine-1-1", None)
    assert home.records() == first.records()


async def test_a_record_that_came_late_and_is_damaged_is_named_exactly(first, home):
    home.boot()
    home.fill(range(60, 100))
    home.sink("mqtt", cursor=40)
    home.forget()
    home.take(stick(first))
    change(home.directory, "UPDATE record SET message = x'00' WHERE seq = 30")
    assert account(home.store).streams[0].unaccounted == ((30, 31),)
    async with opened_by_agent(home.directory) as bench:
        bench.store.read_after(0, 1000)
        await bench.store.flush()
        await bench.store.flush()
    assert home.losses() == [(30, 31, losses.DAMAGED), (50, 55, "queue_full")]
    assert home.holds()
