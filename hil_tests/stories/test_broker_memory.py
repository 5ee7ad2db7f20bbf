"""A broker that confirms and then forgets: killed, with an empty disk, with an old copy of its disk.

A PUBACK is all that a gateway hears of a broker. What that one loses afterwards is named here exactly, so
that it is seen what a confirmation from end to end gives back.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.store.store import FORGET_LEAST
from hil_tests.bench import eventually
from hil_tests.broker import Broker, Subscriber
from hil_tests.confirming_consumer import ConfirmingConsumer
from hil_tests.delivery import Delivery, identities
from hil_tests.demo.identity import Identity
from hil_tests.demo.stored import read_store
from hil_tests.gateway import GatewayProcess
from hil_tests.steady_node import SteadyNode

pytestmark = [pytest.mark.hil, pytest.mark.timeout(120)]

FLOW = 60  # blocks between two events
CALM_S = 40.0
DATABASE = "mosquitto.db"
SETTINGS = "max_queued_messages 0"
NAME = "story"
SINK = """
[[sink.mqtt]]
name = "mqtt"
url = "{url}"
"""
# No tail: what the consumer has may go at once. It is sent again what it does not come past for a second.
CONFIRMED = """
[sink.mqtt.confirmation]
consumers = ["archive"]
tail_hours = 0
tail_mib = 0
resend_after_s = 1
"""


class Story:
    """A broker with a disk, a consumer with a session, a gateway and a node that flows."""

    def __init__(self, directory: Path, *, settings: str = "") -> None:
        self.disk = directory / "broker"
        self.copy = directory / "copy.db"
        self.broker = Broker(self.disk, persistence=True, settings=SETTINGS)
        self.consumer = Subscriber(self.broker.url, name="consumer", again_s=0.1)
        self.node = SteadyNode(every_s=0.02)
        self.gateway = GatewayProcess(
            directory / "gateway",
            name=NAME,
            ports=self.node.port,
            brokers={},
            settings=SINK.format(url=self.broker.url) + settings,
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        with self.broker, self.consumer, self.node:
            self.gateway.start()
            try:
                self.node.flow()
                yield
            finally:
                self.gateway.stop()

    def deliver(self, count: int = FLOW) -> None:
        """Until the broker has confirmed so many more."""
        before = self.gateway.wait_for(lambda status: bool(status.sinks)).sinks[0].delivered
        self.gateway.wait_for(lambda status: status.sinks[0].delivered >= before + count, CALM_S)

    def received(self) -> set[Identity]:
        return identities(self.consumer.messages)

    def delivered(self) -> set[Identity]:
        """What the gateway takes for delivered, while the broker is away."""
        self.node.hush()
        eventually(lambda: self.node.acknowledged == self.node.everything, CALM_S)
        self.gateway.stop()  # in order: its cursor is on disk
        found = self.node.everything - read_store(self.gateway.state).waiting
        self.gateway.start()
        self.node.flow()
        return found

    def leave(self) -> None:
        """Its disk has what it had written before it was killed."""

    def wipe(self) -> None:
        (self.disk / DATABASE).unlink(missing_ok=True)

    def restore(self) -> None:
        shutil.copy(self.copy, self.disk / DATABASE)

    def settle(self) -> None:
        """All that was made is confirmed."""
        self.node.hush()
        eventually(lambda: self.node.acknowledged == self.node.everything, CALM_S)
        self.gateway.wait_for(lambda status: status.sinks[0].backlog == 0, CALM_S)

    def three_losses(self, when_killed: Callable[[], None]) -> None:
        """Killed, wiped, restored from an old copy, each while the consumer is away. Then all is settled."""
        self.deliver()
        self.broker.stop()  # in order: it writes what it has
        shutil.copy(self.disk / DATABASE, self.copy)
        self.broker.start()
        for disk in (self.leave, self.wipe, self.restore):
            self.deliver()
            self.consumer.stop()  # its session stays, and what comes is the broker's to keep
            self.deliver()
            self.broker.kill()
            when_killed()
            disk()
            self.broker.start()
            self.consumer.start()
        self.deliver()
        self.settle()


def test_what_a_broker_forgets_it_had_confirmed_and_nothing_else_is_lost(tmp_path: Path) -> None:
    story = Story(tmp_path)
    with story.running():
        confirmed: set[Identity] = set()
        story.three_losses(lambda: confirmed.update(story.delivered()))
        eventually(lambda: story.node.everything - confirmed <= story.received(), CALM_S)
        lost = story.node.acknowledged - story.received()
    assert lost <= confirmed
    assert len(lost) >= 3 * FLOW - 3 * 20  # it does lose all that it had confirmed to a session that is away
    assert Delivery(story.consumer.messages).two_faced() == []


def test_a_consumer_that_says_what_it_has_gets_back_what_its_broker_forgot(tmp_path: Path) -> None:
    story = Story(tmp_path, settings=CONFIRMED)
    with story.running(), ConfirmingConsumer(story.broker, story.consumer, gateway=NAME, name="archive"):
        story.three_losses(lambda: None)
        eventually(lambda: story.node.everything <= story.received(), CALM_S)
        # And the gateway lets go of what the consumer has.
        story.gateway.wait_for(lambda status: status.store.stored <= FORGET_LEAST, CALM_S)
    assert Delivery(story.consumer.messages).two_faced() == []
