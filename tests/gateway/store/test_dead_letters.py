"""gateway/store/dead_letters.py over a real store."""

import pytest

from gateway.store import Store, dead_letters
from gateway.store.dead_letters import LETTERS_LIMIT, LETTERS_LIMIT_OCTETS
from tests.gateway.sinks.records import Bench

WHY = {"reason_code": 0x99, "reason": "payload_format_invalid", "realtime_ns": 5}


@pytest.fixture
async def bench(tmp_path):
    bench = Bench(tmp_path / "state")
    bench.store.register_sink("mqtt")
    yield bench
    await bench.store.close()


async def test_a_letter_is_the_record_and_the_reason_and_survives_a_restart(bench, tmp_path):
    await bench.fill(2)
    record = bench.store.read_after(1, 1)[0]
    assert bench.store.dead_letters.bury("mqtt", record, **WHY)
    await bench.store.close()
    again = Store.open(tmp_path / "state")
    try:
        [letter] = again.dead_letters.of("mqtt")
        assert letter.stored[:10] == record[:10]
        assert (letter.record, letter.reason_code, letter.reason, letter.realtime_ns) == (
            2,
            0x99,
            "payload_format_invalid",
            5,
        )
        assert letter.stored.id == -letter.id < 0
    finally:
        await again.close()


async def test_a_record_is_buried_once_for_a_sink(bench):
    await bench.fill(1)
    [record] = bench.store.read_after(0, 1)
    letters = bench.store.dead_letters
    assert letters.bury("mqtt", record, **WHY)
    assert letters.bury("mqtt", record, **WHY)
    assert letters.bury("other", record, **WHY)
    assert [letter.sink for letter in letters.of()] == ["mqtt", "other"]


async def test_letters_are_limited_in_number_for_each_sink(bench):
    await bench.fill(LETTERS_LIMIT + 1)
    records = bench.store.read_after(0, LETTERS_LIMIT + 1)
    letters = bench.store.dead_letters
    assert [letters.bury("mqtt", each, **WHY) for each in records] == [True] * LETTERS_LIMIT + [False]
    assert letters.full("mqtt")
    assert not letters.full("other")
    assert letters.forget([letters.of("mqtt")[0].id]) == 1
    assert letters.bury("mqtt", records[-1], **WHY)


async def test_letters_are_limited_in_octets(bench):
    await bench.fill(1)
    [record] = bench.store.read_after(0, 1)
    letters = bench.store.dead_letters
    large = LETTERS_LIMIT_OCTETS // 4
    buried = [letters.bury("mqtt", record._replace(id=at, message=bytes(large)), **WHY) for at in range(5)]
    assert buried == [True] * 4 + [False]


async def test_what_the_writer_has_no_room_for_is_not_buried(bench, monkeypatch):
    monkeypatch.setattr("gateway.store.commit_queue.WORK_LIMIT", 0)
    await bench.fill(1)
    [record] = bench.store.read_after(0, 1)
    assert not bench.store.dead_letters.bury("mqtt", record, **WHY)
    assert bench.store.dead_letters.of() == []


async def test_a_letter_that_is_wanted_is_given_once_and_stays_until_it_is_forgotten(bench):
    await bench.fill(3)
    letters = bench.store.dead_letters
    for record in bench.store.read_after(0, 3):
        letters.bury("mqtt", record, **WHY)
    first, second, third = [letter.id for letter in letters.of()]
    assert letters.wanted("mqtt") is None
    assert letters.replay([second, first, 99]) == 2
    assert letters.wanted("other") is None
    assert [letters.wanted("mqtt").id, letters.wanted("mqtt").id] == [second, first]
    assert letters.wanted("mqtt") is None
    letters.refused(second, reason_code=0x97, reason="quota_exceeded")
    assert letters.get(second).reason == "quota_exceeded"
    letters.replay([third])
    assert letters.forget([third, 99]) == 1
    assert letters.wanted("mqtt") is None
    assert [letter.id for letter in letters.of()] == [first, second]


async def test_ids_are_not_used_again(bench):
    await bench.fill(2)
    letters = bench.store.dead_letters
    one, two = bench.store.read_after(0, 2)
    letters.bury("mqtt", one, **WHY)
    letters.forget([1])
    letters.bury("mqtt", two, **WHY)
    assert [letter.id for letter in letters.of()] == [2]


def test_the_limits_are_small_beside_the_memory_of_the_service():
    assert dead_letters.LETTERS_LIMIT_OCTETS + 1024 * dead_letters.LETTERS_LIMIT < 4 * 1024 * 1024
