"""A file into a node on a real line, and its trial there."""

import asyncio
import hashlib
import os

import pytest

from gateway import remote_transfer
from gateway.errand import Errand, ErrandFailed, ErrandFault
from gateway.line import LinkState
from gateway.orders import COMMAND_TRIES
from tests.gateway.echoing_line import until
from tests.gateway.line_fixtures import gateway, pair, running
from tests.gateway.wired_node import WiredNode
from tests.wire.chain import BOOT
from wire import remote

__all__ = ["gateway", "pair"]

OCTETS = os.urandom(3000) + b"\x7e" * 500  # every octet of the end is escaped


class Taker:
    """What a node does with a put, as docs/link-protocol.md has it. `deaf` answers are left out."""

    def __init__(self):
        self.octets = b""
        self.expected = None
        self.on_trial = ""
        self.in_force = b"the former one"
        self.puts = []
        self.deaf = 0
        self.trials = []
        self.after_trial = []  # what `trial` answers, one after another

    def __call__(self, order):
        if self.deaf:
            self.deaf -= 1
            return None
        if isinstance(order, remote.Chunk):
            return self._chunk(order)
        arguments = order.arguments
        if order.operation == "put":
            self.expected = (arguments["size"], arguments["sha256"])
            self.puts.append(len(self.octets))
            return remote.Result(order.id, "ok", len(self.octets))
        if order.operation == "try":
            self.trials.append((arguments["what"], arguments["seconds"]))
            return remote.Result(order.id, "ok")
        answer = self.after_trial.pop(0)
        return remote.Result(order.id, "failed" if isinstance(answer, str) else "ok", answer)

    def begin_anew(self, kept):
        self.octets = self.octets[:kept]
        self.expected = None

    def _chunk(self, chunk):
        if self.expected is None:
            return remote.Result(chunk.id, "unknown")
        if chunk.offset == len(self.octets):
            self.octets += chunk.octets
        size, digest = self.expected
        if len(self.octets) < size:
            return remote.Result(chunk.id, "more", len(self.octets))
        if hashlib.sha256(self.octets).digest() != digest:
            return remote.Result(chunk.id, "refused", "SHA-256")
        return remote.Result(chunk.id, "ok", size)


@pytest.fixture
def taker(monkeypatch):
    monkeypatch.setattr("gateway.orders.COMMAND_TIMEOUT_S", 0.1)
    monkeypatch.setattr(remote_transfer, "TRIAL_LOOK_S", 0.02)
    monkeypatch.setattr(remote_transfer, "LINK_LOOK_S", 0.02)
    return Taker()


@pytest.fixture
def errand():
    return Errand(number=1, node="n", asked={})


async def linked(line):
    await until(lambda: line.state() is LinkState.OPEN)
    return line.node


async def test_every_octet_arrives_in_frames_that_a_console_can_hold(gateway, pair, taker, errand):
    node = WiredNode(pair, obey=taker)
    async with gateway.line(pair) as line, running(node):
        await remote_transfer.put(await linked(line), errand, "settings", OCTETS)
    assert taker.octets == OCTETS
    assert (errand.done, errand.total) == (len(OCTETS), len(OCTETS))
    chunks = [message for message in node.received if isinstance(message, remote.Chunk)]
    assert all(len(chunk.octets) <= 240 for chunk in chunks)
    assert max(len(chunk.octets) for chunk in chunks) > 190
    assert min(len(chunk.octets) for chunk in chunks[:-1]) > 100
    assert len(chunks) < 25


async def test_it_goes_on_where_it_was_when_the_link_is_back(gateway, pair, taker, errand):
    node = WiredNode(pair, obey=taker)
    async with gateway.line(pair) as line, running(node):
        putting = asyncio.create_task(remote_transfer.put(await linked(line), errand, "settings", OCTETS))
        await until(lambda: len(taker.octets) > 1000)
        taker.deaf = 5
        await putting
    assert taker.octets == OCTETS
    assert len(taker.puts) == 2
    assert taker.puts[1] > 1000
    assert errand.notes == ["the link is cut: going on when it is back"]


async def test_it_goes_on_from_what_a_node_that_began_anew_still_has(gateway, pair, taker, errand):
    async with gateway.line(pair) as line:
        async with running(WiredNode(pair, obey=taker)):
            putting = asyncio.create_task(remote_transfer.put(await linked(line), errand, "settings", OCTETS))
            await until(lambda: len(taker.octets) > 1000)
        taker.begin_anew(512)
        async with running(WiredNode(pair, boot=BOOT + (1 << 16), obey=taker)):
            await putting
    assert taker.octets == OCTETS
    assert taker.puts == [0, 512]


async def test_a_node_that_forgets_every_time_is_given_up(gateway, pair, taker, errand):
    async with gateway.line(pair) as line, running(WiredNode(pair, obey=taker)):
        node = await linked(line)
        taker._chunk = lambda chunk: remote.Result(chunk.id, "unknown")
        with pytest.raises(ErrandFailed) as failed:
            await remote_transfer.put(node, errand, "settings", OCTETS)
    assert failed.value.fault is ErrandFault.RESTARTED
    assert len(taker.puts) == 5


async def test_a_node_that_stays_away_is_given_up(gateway, pair, taker, errand, monkeypatch):
    monkeypatch.setattr(remote_transfer, "RESUME_S", 0.3)
    async with gateway.line(pair) as line, running(WiredNode(pair, obey=taker)):
        node = await linked(line)
        putting = asyncio.create_task(remote_transfer.put(node, errand, "settings", OCTETS))
        await until(lambda: len(taker.octets) > 1000)
        node.detach(line)
        with pytest.raises(ErrandFailed) as failed:
            await putting
    assert failed.value.fault is ErrandFault.NOT_LINKED


async def trial(line, errand, pair, taker, boots=1):
    async with running(WiredNode(pair, obey=taker)):
        node = await linked(line)
        wanted = hashlib.sha256(OCTETS).digest()
        trying = asyncio.create_task(remote_transfer.try_out(node, errand, "settings", wanted, 60))
        await until(lambda: taker.trials)
    async with running(WiredNode(pair, boot=BOOT + (boots << 16), obey=taker)):
        await trying


async def test_what_the_node_keeps_is_in_force(gateway, pair, taker, errand):
    taker.after_trial = [
        "not enough memory",  # while it sends what lies in its flash
        ["settings", b"old"],
        ["settings", b"old"],
        ["", hashlib.sha256(OCTETS).digest()],
    ]
    async with gateway.line(pair) as line:
        await trial(line, errand, pair, taker)
    assert taker.trials == [("settings", 60)]
    assert taker.after_trial == []


async def test_a_node_that_has_fallen_asleep_tells_with_its_next_contact(
    gateway, pair, taker, errand, monkeypatch
):
    monkeypatch.setattr("gateway.orders.COMMAND_TIMEOUT_S", 0.2)
    taker.after_trial = [["", hashlib.sha256(OCTETS).digest()]]
    async with gateway.line(pair) as line:
        async with running(WiredNode(pair, obey=taker)):
            node = await linked(line)
            wanted = hashlib.sha256(OCTETS).digest()
            trying = asyncio.create_task(remote_transfer.try_out(node, errand, "settings", wanted, 60))
            await until(lambda: taker.trials)
        taker.deaf = 2 * COMMAND_TRIES
        sleep = {"every_s": 900, "ppm": 10_000}
        async with running(WiredNode(pair, boot=BOOT + (1 << 16), obey=taker, sleep=sleep)):
            await trying
    assert taker.after_trial == []


async def test_what_the_node_goes_back_from_is_said(gateway, pair, taker, errand):
    taker.after_trial = [["settings", b"old"], ["", b"old"]]
    async with gateway.line(pair) as line:
        with pytest.raises(ErrandFailed) as failed:
            await trial(line, errand, pair, taker, boots=2)
    assert failed.value.fault is ErrandFault.WENT_BACK


async def test_a_node_that_says_nonsense_is_not_believed(gateway, pair, taker, errand):
    taker.octets = bytes(len(OCTETS) + 1)  # it "holds" more than there is
    async with gateway.line(pair) as line, running(WiredNode(pair, obey=taker)):
        with pytest.raises(ErrandFailed) as failed:
            await remote_transfer.put(await linked(line), errand, "settings", OCTETS)
    assert failed.value.fault is ErrandFault.BAD_ANSWER
