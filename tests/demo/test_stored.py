from gateway.store import Arrival, Store
from hil_tests.demo.identity import Stream
from hil_tests.demo.stored import read_store

UID = bytes.fromhex("aabbccddeeff")
READINGS = Stream(UID.hex(), 65_543, 1)


def arrival(seq, next_seq):
    return Arrival(UID, READINGS.boot, READINGS.stream, seq, next_seq, 3, b"\x80", bytes(8), 1, 1_000)


async def store_with(directory, arrivals, cursor, ranges=()):
    store = Store.open(directory)
    store.register_sink("mqtt")
    store.start(lambda _arrivals: None, lambda _arrivals, _error: None)
    for each in arrivals:
        store.append(each)
    store.move_cursor("mqtt", cursor, ranges)
    await store.close()


def test_a_directory_without_a_store_holds_nothing(tmp_path):
    found = read_store(tmp_path)
    assert (found.ever, found.waiting) == (frozenset(), frozenset())


async def test_records_behind_the_cursor_wait_and_all_were_stored(tmp_path):
    await store_with(tmp_path, [arrival(0, 1), arrival(1, 4), arrival(4, 5)], cursor=1)
    found = read_store(tmp_path)
    assert found.ever == {READINGS.record(seq) for seq in range(5)}
    assert found.waiting == {READINGS.record(seq) for seq in range(1, 5)}


async def test_with_everything_delivered_nothing_waits(tmp_path):
    await store_with(tmp_path, [arrival(0, 1), arrival(1, 2)], cursor=2)
    found = read_store(tmp_path)
    assert (len(found.ever), found.waiting) == (2, frozenset())


async def test_what_is_delivered_above_the_cursor_does_not_wait(tmp_path):
    arrivals = [arrival(seq, seq + 1) for seq in range(5)]
    await store_with(tmp_path, arrivals, cursor=1, ranges=[(3, 4)])
    assert read_store(tmp_path).waiting == {READINGS.record(1), READINGS.record(4)}
