"""Which records go next, of a store whose writer is not asked."""

import apsw
import pytest

from gateway.store.ledger import Ledger
from gateway.store.policy import Policy, WhenFull
from gateway.store.quota import Quota
from gateway.store.room import Limits
from tests.gateway.store.bench import arrival, opened


@pytest.fixture
async def connection(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(1500), stream=1)
        await bench.fill(range(1500), stream=2)
    connection = apsw.Connection(str(tmp_path / "store.db"))
    yield connection
    connection.close()


def ids(policy, connection):
    return [each.id for each in policy.next(connection)[0]]


def add(connection, *seqs, stream):
    Ledger(connection).add([arrival(seq, stream=stream) for seq in seqs])


@pytest.mark.parametrize("stream", [1, 2])
async def test_the_newest_record_goes_when_it_is_no_longer_the_newest(connection, stream):
    add(connection, 1500, stream=stream)
    policy = Policy(stream, WhenFull.DROP_OLDEST)
    gone = ids(policy, connection) + ids(policy, connection)
    assert len(gone) == 1500
    assert ids(policy, connection) == []
    add(connection, 1501, stream=stream)
    assert ids(policy, connection) == [3001]


async def test_after_a_rollback_the_same_records_go(connection, tmp_path):
    quota = Quota(tmp_path, Limits(max_octets=0, floor_octets=0), {})
    for _ in range(2):
        connection.execute("BEGIN")
        assert quota.make_room(connection, Ledger(connection))
        assert quota.make_room(connection, Ledger(connection))
        left = connection.execute("SELECT min(id) FROM record WHERE stream = 2").get
        connection.execute("ROLLBACK")
        quota.reset()
    assert left > 1501
    assert connection.execute("SELECT min(id) FROM record WHERE stream = 2").get == 1501
