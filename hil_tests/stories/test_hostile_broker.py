"""A day with a broker that does everything wrong, one thing after another, while blocks flow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.status import Status
from hil_tests.broker_answers import Answer, Refuse, Shuffle, Takings, silence
from hil_tests.delivery import Delivery
from hil_tests.demo.identity import Identity
from hil_tests.fake_broker import ACCEPT, FakeBroker, puback
from hil_tests.gateway import GatewayProcess
from hil_tests.steady_node import SteadyNode

pytestmark = [pytest.mark.hil, pytest.mark.timeout(150)]

WINDOW = 20
BAD_S = 2.0  # for so long at least the broker is as it is
SEEN_S = 15.0  # within it the gateway says what is wrong
CALM_S = 40.0  # within it everything is delivered again
MOST_TRIES = 15  # in BAD_S; a loop without a pause makes thousands
SINK = """
[[sink.mqtt]]
name = "mqtt"
url = "{url}"
window = {window}
keepalive_s = 5
ack_timeout_s = 5
"""


def nothing(_: FakeBroker) -> None:
    """The connections stay as they are."""


def garbage(broker: FakeBroker) -> None:
    broker.say(bytes.fromhex("40 02 00") * 7 + b"\xf0\xff\xff\xff\xff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong with the broker, and what the gateway is to call it."""

    state: str
    detail: str
    answer: Answer = puback
    connack: bytes = ACCEPT
    act: Callable[[FakeBroker], None] = nothing


DAY = [
    Trouble(state="refused", detail="quota_exceeded", answer=Refuse(reason=0x97)),
    Trouble(state="refused", detail="implementation_specific_error", answer=Refuse(reason=0x83)),
    Trouble(state="refused", detail="no_matching_subscribers", answer=Refuse(reason=0x10)),
    Trouble(state="connection_lost", detail="ack_timeout", answer=silence),
    Trouble(state="taken_over", detail="session_taken_over", act=FakeBroker.take_over),
    Trouble(state="connection_lost", detail="", act=garbage),
    Trouble(
        state="rejected", detail="server_unavailable", connack=b"\x20\x03\x00\x88\x00", act=FakeBroker.drop
    ),
    Trouble(state="connection_lost", detail="ack_timeout", act=FakeBroker.stop_reading),
]


class Story:
    """The broker with what it took, the gateway and the node."""

    def __init__(
        self, broker: FakeBroker, takings: Takings, gateway: GatewayProcess, node: SteadyNode
    ) -> None:
        self.broker = broker
        self.takings = takings
        self.gateway = gateway
        self.node = node

    async def until(self, fact: Callable[[Status], bool], timeout_s: float) -> Status:
        return await asyncio.to_thread(self.gateway.wait_for, fact, timeout_s)

    async def go_through(self, trouble: Trouble) -> None:
        """The broker is in trouble, the gateway says so and does not hammer it; then all is well."""
        broker, tries = self.broker, self.tries()
        self.takings.answer, broker.connack = trouble.answer, trouble.connack
        trouble.act(broker)
        await self.until(
            lambda status: any(
                (sink.state, sink.detail[: len(trouble.detail)]) == (trouble.state, trouble.detail)
                for sink in status.sinks
            ),
            SEEN_S,
        )
        self.assert_delivered_is_taken()
        assert self.tries() - tries <= WINDOW + MOST_TRIES, trouble
        tries = self.tries()
        await asyncio.sleep(BAD_S)
        assert self.tries() - tries <= WINDOW + MOST_TRIES, trouble
        self.takings.answer, broker.connack = puback, ACCEPT
        broker.read_on()
        await self.calm()

    async def calm(self) -> None:
        """All that the node was told is on disk has arrived."""
        acknowledged = self.node.acknowledged
        await self.until(lambda _: acknowledged <= self.taken(), CALM_S)
        self.assert_delivered_is_taken()

    def tries(self) -> int:
        return len(self.broker.records()) + len(self.broker.connects) - len(self.takings.taken)

    def taken(self) -> set[Identity]:
        return set(Delivery(self.takings.taken).blocks)

    def assert_delivered_is_taken(self) -> None:
        """What the gateway counts as delivered it was given a good PUBACK for."""
        status = self.gateway.status()
        assert status is not None
        assert status.sinks[0].delivered <= len(self.takings.taken)


async def test_a_hostile_broker_costs_time_and_nothing_else(tmp_path: Path) -> None:
    takings = Takings()
    async with FakeBroker(takings) as broker:
        with SteadyNode(every_s=0.02) as node:
            gateway = GatewayProcess(
                tmp_path,
                name="hostile",
                ports=node.port,
                brokers={},
                settings=SINK.format(url=broker.url, window=WINDOW),
            )
            gateway.start()
            try:
                story = Story(broker, takings, gateway, node)
                node.flow()
                await story.until(lambda status: status.sinks[0].delivered > 0, SEEN_S)
                for trouble in DAY:
                    await story.go_through(trouble)
                takings.answer = Shuffle(held=5)
                await story.calm()
                takings.answer = puback
                node.hush()
                await story.until(lambda status: status.sinks[0].backlog == 0, CALM_S)
                assert node.everything == node.acknowledged == story.taken()
                assert Delivery(broker.records()).two_faced() == []
            finally:
                await asyncio.to_thread(gateway.stop)
