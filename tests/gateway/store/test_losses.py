"""Every gap is named, for ever, and delivered like data."""

import apsw
import pytest

from gateway.store import losses, small_rows
from gateway.store.losses import NamedLoss, name_loss
from tests.gateway.store.bench import BOOT, HASH, UID, arrival, opened
from wire import cbor, up

KEY = (UID, BOOT, 1)


def gap(seq, next_seq, reason="queue_full"):
    message = up.Gap(BOOT, 1, seq, next_seq, reason, 0, 0).encode(cbor.Encoder(200))
    return arrival(seq, next_seq=next_seq)._replace(kind=up.Gap.TYPE, message=message)


def named(directory):
    connection = apsw.Connection(str(directory / "store.db"))
    try:
        return [(*each[3:5], each.reason) for each in losses.of_stream(connection, KEY, (0, 1 << 40))]
    finally:
        connection.close()


def naming(seq, next_seq):
    def work(connection, ledger):
        name_loss(
            connection,
            ledger,
            uid=UID,
            boot=BOOT,
            stream=1,
            seq=seq,
            next_seq=next_seq,
            reason=losses.DAMAGED,
            t_first=5,
            span=7,
            descriptor=HASH,
            host_boot=1,
            arrived_ns=3,
        )
        return False

    return work


async def test_a_nodes_gap_is_entered_with_its_record(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill([0])
        bench.store.append(gap(1, 9))
        await bench.fill([9])
        bench.store.append(gap(10, 12, "battery"))
        bench.store.append(arrival(12, next_seq=15)._replace(kind=up.Gap.TYPE))
        await bench.store.flush()
    assert named(tmp_path) == [(1, 9, "queue_full"), (10, 12, "battery"), (12, 15, losses.UNREADABLE)]


async def test_a_loss_of_the_gateway_is_a_record_and_stands_in_the_ledger(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(3))
        assert bench.store.put_work("name", naming(1, 2))
        await bench.store.flush()
        stored = bench.store.read_after(3, 10)[0]
        assert (stored.id, stored.kind, stored[:5]) == (4, up.Gap.TYPE, (*KEY, 1, 2))
        assert up.decode(stored.message) == up.Gap(BOOT, 1, 1, 2, losses.DAMAGED, 5, 7)
        bench.store.put_work("name", naming(0, 1))
        await bench.fill([3])
        assert [(each.id, each.kind) for each in bench.store.read_after(3, 10)] == [
            (4, up.Gap.TYPE),
            (5, 3),
            (6, up.Gap.TYPE),
        ]
        assert bench.store.next_seq(*KEY) == 4
    assert named(tmp_path) == [(0, 2, losses.DAMAGED)]


@pytest.fixture
def connection(tmp_path):
    """An empty store's connection, with a transaction begun."""
    from gateway.store.database import Database  # noqa: PLC0415 - a fixture of this module only

    database = Database(tmp_path / "store.db")
    with database.transaction() as connection:
        yield connection
    database.close()


def entered(connection, *some):
    for seq, next_seq, reason in some:
        losses.enter(connection, NamedLoss(*KEY, seq, next_seq, reason))
    return [(*each[3:5], each.reason) for each in losses.of_stream(connection, KEY, (0, 1 << 40))]


def test_losses_that_touch_and_have_one_reason_are_one(connection):
    assert entered(connection, (5, 7, "a"), (9, 11, "a"), (3, 5, "a")) == [(3, 7, "a"), (9, 11, "a")]
    assert entered(connection, (7, 9, "a")) == [(3, 11, "a")]
    assert entered(connection, (11, 12, "b")) == [(3, 11, "a"), (11, 12, "b")]


def test_what_is_named_already_keeps_its_first_reason(connection):
    entered(connection, (3, 5, "a"), (8, 9, "b"))
    assert entered(connection, (0, 20, "c")) == [
        (0, 3, "c"),
        (3, 5, "a"),
        (5, 8, "c"),
        (8, 9, "b"),
        (9, 20, "c"),
    ]


def test_what_is_found_again_is_named_no_more(connection):
    entered(connection, (0, 10, "a"), (12, 14, "b"))
    losses.found(connection, KEY, (4, 13))
    assert entered(connection) == [(0, 4, "a"), (13, 14, "b")]


def test_of_too_many_losses_the_oldest_go_on_which_nothing_depends(connection, monkeypatch):
    monkeypatch.setattr(losses, "LOSSES_LIMIT", 10)
    monkeypatch.setattr(losses, "LOSSES_DROPPED", 3)
    streams = [(UID, BOOT, 1, 0, 100, 50, HASH, 1, 0, 2, 0), (UID, BOOT + 1, 1, 0, 100, 50, HASH, 1, 0, 1, 0)]
    losses_of = [(UID, BOOT + n, 1, seq, seq + 1, "a") for n in (0, 1) for seq in range(40, 60, 3)]
    small_rows.STREAM.put(connection, streams)
    small_rows.LOSS.put(connection, losses_of)
    losses.drop_surplus(connection, None)
    left = small_rows.LOSS.rows(connection)
    assert set(losses_of) - set(left) == {(UID, BOOT + 1, 1, seq, seq + 1, "a") for seq in (40, 43, 46, 49)}
