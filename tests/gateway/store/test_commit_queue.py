"""When a commit is due. The windows here are so long that a test which waits for one fails."""

import asyncio

from gateway.store.commit_queue import ARRIVAL_OCTETS, LAZY_RIDES_RECORDS, WORK_LIMIT, CommitQueue
from tests.gateway.store.bench import arrival

FOR_EVER_S = 3600.0
NO_LIMIT = 1 << 30


def nothing(_connection, _ledger):
    return False


def test_enough_records_end_the_window():
    queue = CommitQueue(window_s=FOR_EVER_S, records=4)
    for seq in range(4):
        queue.append(arrival(seq), NO_LIMIT)
    assert [each.seq for each in queue.take().arrivals] == [0, 1, 2, 3]


def test_one_record_waits_for_the_window_only():
    queue = CommitQueue(window_s=0.001, records=1000)
    queue.append(arrival(0), NO_LIMIT)
    assert len(queue.take().arrivals) == 1


def test_patient_work_does_not_end_the_window_and_rides_with_records():
    queue = CommitQueue(window_s=0.001, records=1000)
    queue.add("work", nothing)
    queue.append(arrival(0), NO_LIMIT)
    batch = queue.take()
    assert (len(batch.arrivals), list(batch.work)) == (1, ["work"])


def test_lazy_work_rides_with_many_records_a_flush_and_the_end_only():
    queue = CommitQueue(window_s=0.001, records=1000)
    queue.add_lazy("work", nothing)
    queue.append(arrival(0), NO_LIMIT)
    assert queue.take().work == {}
    for seq in range(LAZY_RIDES_RECORDS):
        queue.append(arrival(seq), NO_LIMIT)
    assert list(queue.take().work) == ["work"]
    queue.add_lazy("work", nothing)
    assert queue.add("other", nothing)
    queue.close()
    assert list(queue.take().work) == ["other", "work"]


def test_lazy_work_goes_alone_when_its_time_has_come(monkeypatch):
    monkeypatch.setattr("gateway.store.commit_queue.LAZINESS_S", 0.001)
    queue = CommitQueue(window_s=FOR_EVER_S, records=1000)
    queue.add_lazy("work", nothing)
    assert list(queue.take().work) == ["work"]


async def test_a_flush_ends_the_window():
    queue = CommitQueue(window_s=FOR_EVER_S, records=1000)
    queue.append(arrival(0), NO_LIMIT)
    waiter = asyncio.get_running_loop().create_future()
    assert queue.flush(waiter)
    queue.add_lazy("work", nothing)
    batch = queue.take()
    assert (batch.waiters, list(batch.work)) == ([waiter], ["work"])


def test_closing_ends_the_window():
    queue = CommitQueue(window_s=FOR_EVER_S, records=1000)
    queue.append(arrival(0), NO_LIMIT)
    queue.close()
    assert len(queue.take().arrivals) == 1
    assert not queue.append(arrival(1), NO_LIMIT)
    assert not queue.add("work", nothing)


def test_octets_count_until_the_batch_is_done():
    queue = CommitQueue(window_s=0.001, records=1)
    one = 68 + ARRIVAL_OCTETS
    assert queue.append(arrival(0), one)
    batch = queue.take()
    assert batch.octets == one
    assert not queue.append(arrival(1), one)
    queue.done(batch.octets)
    assert queue.append(arrival(1), one)


def test_newer_work_takes_the_place_of_older_and_of_what_is_given_back():
    queue = CommitQueue(window_s=0.001, records=1)
    older, newer = (lambda _connection: False), (lambda _connection: False)
    queue.add("a", older)
    queue.add("b", older)
    queue.add("a", newer)
    assert list(queue.take_now().work.items()) == [("b", older), ("a", newer)]
    queue.add("a", newer)
    queue.give_back({"a": older, "b": older})
    assert queue.take_now().work == {"a": newer, "b": older}


def test_work_is_bounded_but_for_what_replaces_other_work():
    queue = CommitQueue(window_s=FOR_EVER_S, records=1)
    for number in range(WORK_LIMIT):
        assert queue.add(f"{number}", nothing)
    assert not queue.add("one more", nothing)
    assert queue.add("0", nothing)
