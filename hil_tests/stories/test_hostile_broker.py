"""One gateway delivers to many brokers at once, and each does something else wrong while blocks flow."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.status import SinkStatus, Status
from hil_tests.broker_answers import Answer, Refuse, Shuffle, Takings, is_record, silence
from hil_tests.delivery import Delivery, about_of, identities
from hil_tests.demo.identity import Identity
from hil_tests.fake_broker import ACCEPT, FakeBroker, Published, puback
from hil_tests.gateway import GatewayProcess
from hil_tests.steady_node import SteadyNode

pytestmark = [pytest.mark.hil, pytest.mark.timeout(120)]

WINDOW = 20
BAD_S = 6.5  # for so long at least the brokers are in trouble: more than an ack may take
SEEN_S = 20.0  # within it the gateway has named all of it
CALM_S = 60.0  # within it everything is delivered
MOST_TRIES_A_S = 5.0  # connections, and records sent in vain; a loop without a pause makes thousands
POLL_S = 0.1
SINK = """
[[sink.mqtt]]
name = "{name}"
url = "{url}"
window = {window}
keepalive_s = 5
ack_timeout_s = 5
"""
SERVER_UNAVAILABLE = b"\x20\x03\x00\x88\x00"  # CONNACK


def nothing(_: FakeBroker) -> None:
    """The connections stay as they are."""


def garbage(broker: FakeBroker) -> None:
    broker.say(bytes.fromhex("40 02 00") * 7 + b"\xf0\xff\xff\xff\xff")


def shown(state: str, detail: str = "") -> Callable[[SinkStatus], bool]:
    return lambda sink: sink.state == state and sink.detail.startswith(detail)


def has_letters(sink: SinkStatus) -> bool:
    return sink.state == "online" and sink.dead_letters > 1


def every_tenth(rest: int) -> Callable[[Published], bool]:
    return lambda published: is_record(published) and int(about_of(published)["seq"]) % 10 == rest


def letters(state: Path, sink: str) -> set[Identity]:
    """The gateway's dead letters, read after it has ended."""
    with closing(sqlite3.connect(f"{(state / 'store.db').as_uri()}?mode=ro", uri=True)) as store:
        rows = store.execute("SELECT uid, boot, stream, seq FROM dead_letter WHERE sink = ?", (sink,))
        return {Identity(uid.hex(), boot, stream, seq) for uid, boot, stream, seq in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What a broker does, and how the gateway shows it."""

    shown: Callable[[SinkStatus], bool]
    answer: Answer = puback
    connack: bytes = ACCEPT
    act: Callable[[FakeBroker], None] = nothing
    for_good: bool = False  # what it refuses is never taken
    logged: str = ""  # a line of the log, for what may be over between two looks at the status


def troubles() -> Mapping[str, Trouble]:
    return {
        "quota": Trouble(shown=shown("refused", "quota_exceeded"), answer=Refuse(reason=0x97)),
        "specific": Trouble(
            shown=shown("refused", "implementation_specific_error"), answer=Refuse(reason=0x83)
        ),
        "unheard": Trouble(shown=shown("refused", "no_matching_subscribers"), answer=Refuse(reason=0x10)),
        # One record in ten is never taken, and the others are not to suffer.
        "names": Trouble(
            shown=has_letters, answer=Refuse(reason=0x90, matches=every_tenth(3)), for_good=True
        ),
        "sizes": Trouble(
            shown=has_letters, answer=Refuse(reason=0x95, matches=every_tenth(7)), for_good=True
        ),
        "silent": Trouble(shown=shown("connection_lost", "ack_timeout"), answer=silence),
        "deaf": Trouble(shown=shown("connection_lost", "ack_timeout"), act=FakeBroker.stop_reading),
        "taken": Trouble(shown=shown("taken_over", "session_taken_over"), act=FakeBroker.take_over),
        "mad": Trouble(shown=shown("connection_lost"), act=garbage, logged="sink mad: connection_lost"),
        "busy": Trouble(
            shown=shown("rejected", "server_unavailable"), connack=SERVER_UNAVAILABLE, act=FakeBroker.drop
        ),
        "old": Trouble(shown=lambda sink: sink.protocol == "mqtt 3.1.1", connack=b"", act=FakeBroker.drop),
        "random": Trouble(shown=shown("online"), answer=Shuffle(held=3)),
        "well": Trouble(shown=shown("online")),
    }


class Upstream:
    """One of the brokers, with what it took."""

    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble
        self.takings = Takings()
        self.broker = FakeBroker(self.takings)
        self.was_shown = False
        self._before = 0
        self._since_s = 0.0

    def tries(self) -> int:
        """Connections, and records that were sent and not confirmed."""
        return len(self.broker.records()) - len(self.takings.taken) + len(self.broker.connects)

    def begin(self) -> None:
        self._before, self._since_s = self.tries(), time.monotonic()
        self.takings.answer, self.broker.connack = self.trouble.answer, self.trouble.connack
        self.trouble.act(self.broker)

    def end(self) -> None:
        if not self.trouble.for_good:
            self.takings.answer, self.broker.connack = puback, ACCEPT
        self.broker.read_on()

    def look(self, sink: SinkStatus, log: str) -> None:
        """Delivered is only what was confirmed; what is wrong is named; and no loop is tight."""
        logged = self.trouble.logged
        self.was_shown |= self.trouble.shown(sink) or bool(logged and logged in log)
        assert sink.delivered <= len(self.takings.taken), sink
        assert sink.in_flight <= WINDOW, sink
        lasted_s = time.monotonic() - self._since_s
        assert self.tries() - self._before <= 2 * WINDOW + MOST_TRIES_A_S * lasted_s, sink


@asynccontextmanager
async def running(gateway: GatewayProcess) -> AsyncIterator[None]:
    gateway.start()
    try:
        yield
    finally:
        await asyncio.to_thread(gateway.stop)


async def look_until(
    gateway: GatewayProcess,
    upstreams: Mapping[str, Upstream],
    fact: Callable[[Status], bool],
    timeout_s: float,
) -> None:
    """Look at every broker until the fact is true of the gateway. Raises TimeoutError."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        status = await asyncio.to_thread(gateway.status)
        if status is not None:
            for sink in status.sinks:
                upstreams[sink.name].look(sink, gateway.log())
            if fact(status):
                return
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{ {name: each.was_shown for name, each in upstreams.items()} } {status}")
        await asyncio.sleep(POLL_S)


async def test_hostile_brokers_cost_time_and_nothing_else(tmp_path: Path) -> None:
    upstreams = {name: Upstream(trouble) for name, trouble in troubles().items()}
    async with AsyncExitStack() as stack:
        for each in upstreams.values():
            await stack.enter_async_context(each.broker)
        node = stack.enter_context(SteadyNode(every_s=0.04))
        settings = "".join(
            SINK.format(name=name, url=each.broker.url, window=WINDOW) for name, each in upstreams.items()
        )
        gateway = GatewayProcess(tmp_path, name="hostile", ports=node.port, brokers={}, settings=settings)
        await stack.enter_async_context(running(gateway))
        node.flow()
        await look_until(gateway, upstreams, lambda status: all(s.delivered for s in status.sinks), SEEN_S)
        well = upstreams["well"].takings
        before, began_s = len(well.taken), time.monotonic()
        for each in upstreams.values():
            each.begin()
        await look_until(
            gateway,
            upstreams,
            lambda _: time.monotonic() > began_s + BAD_S and all(u.was_shown for u in upstreams.values()),
            SEEN_S,
        )
        # Nobody's trouble is another one's: blocks went on arriving where all was well.
        assert len(well.taken) - before > 0.8 * BAD_S / 0.04
        for each in upstreams.values():
            each.end()
        node.hush()
        await look_until(
            gateway,
            upstreams,
            lambda status: (
                node.acknowledged == node.everything and not any(sink.backlog for sink in status.sinks)
            ),
            CALM_S,
        )
    assert node.everything == node.acknowledged
    for name, each in upstreams.items():
        taken = identities(each.takings.taken)
        dead = letters(gateway.state, name)
        assert taken | dead == node.everything, name
        assert not taken & dead, name
        assert bool(dead) == each.trouble.for_good, name
        assert Delivery(each.broker.records()).two_faced() == [], name
