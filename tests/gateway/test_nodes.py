"""gateway/nodes.py: whom the gateway knows."""

import pytest

from gateway import nodes
from gateway.nodes import Nodes
from gateway.store import Store
from tests.gateway.store.bench import arrival
from wire import up


@pytest.fixture
async def store(tmp_path):
    store = Store.open(tmp_path)
    yield store
    await store.close()


async def begin(store, met):
    """Start the store; return when what it had is known to be on the disk."""
    store.start(met.committed, lambda *_: None)
    await store.flush()


def uid(number):
    return number.to_bytes(6, "big")


async def test_of_more_nodes_than_the_limit_the_longest_silent_is_forgotten(store, monkeypatch):
    monkeypatch.setattr(nodes, "NODES_LIMIT", 3)
    met = Nodes(store)
    await begin(store, met)
    for number in range(3):
        met.meet(uid(number)).heard_ns = 10 - number
    waiting = met.meet(uid(2))
    waiting.intake.meet(1, [])
    waiting.intake.take(block(0))  # and no commit yet
    met.meet(uid(3))
    assert [node.uid for node in met] == [uid(0), uid(2), uid(3)]


async def test_a_forgotten_node_goes_on_where_the_disk_is(store, monkeypatch):
    monkeypatch.setattr(nodes, "NODES_LIMIT", 1)
    met = Nodes(store)
    await begin(store, met)
    first = met.meet(uid(0))
    first.intake.take(block(0))
    assert store.append(arrival(0, uid=uid(0), boot=5))
    await store.flush()
    assert first.intake.settled
    met.meet(uid(1))
    again = met.meet(uid(0))
    assert again is not first
    assert again.intake.meet(5, [[5, 1, 0, 2]]) == []
    assert again.intake.points([[5, 1, 0, 2]]) == [[5, 1, 1]]


def block(seq):
    return up.Block(5, 1, seq, 0, 0, 0, [1], {})
