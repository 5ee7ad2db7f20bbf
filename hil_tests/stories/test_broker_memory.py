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

from hil_tests.bench import eventually
from hil_tests.broker import Broker, Subscriber
from hil_tests.delivery import Delivery, identities
from hil_tests.demo.identity import Identity
from hil_tests.demo.stored import read_store
from hil_tests.gateway import GatewayProcess
from hil_tests.steady_node import SteadyNode

pytestmark = [pytest.mark.hil, pytest.mark.timeout(120)]

FLOW = 100  # blocks between two events
CALM_S = 40.0
DATABASE = "mosquitto.db"
SETTINGS = "max_queued_messages 0"


class Story:
    """A broker with a disk, a consumer with a session, a gateway and a node that flows."""

    def __init__(self, directory: Path) -> None:
        self.disk = directory / "broker"
        self.copy = directory / "copy.db"
        self.broker = Broker(self.disk, persistence=True, settings=SETTINGS)
        self.consumer = Subscriber(self.broker.url, name="consumer", again_s=0.1)
        self.node = SteadyNode(every_s=0.02)
        self.gateway = GatewayProcess(
            directory / "gateway", name="story", ports=self.node.port, brokers={"mqtt": self.broker.url}
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

    def restart_broker(self, disk: Callable[[], None]) -> set[Identity]:
        """SIGKILL, what becomes of its disk, start; gives what had been confirmed until then."""
        self.broker.kill()
        self.node.hush()
        eventually(lambda: self.node.acknowledged == self.node.everything, CALM_S)
        eventually(self._cursor_is_on_disk, CALM_S)
        confirmed = self.node.everything - read_store(self.gateway.state).waiting
        disk()
        self.node.flow()
        self.broker.start()
        return confirmed

    def _cursor_is_on_disk(self) -> bool:
        status = self.gateway.status()
        waiting = len(read_store(self.gateway.state).waiting)
        return status is not None and status.sinks[0].backlog == waiting

    def wipe(self) -> None:
        (self.disk / DATABASE).unlink(missing_ok=True)

    def restore(self) -> None:
        shutil.copy(self.copy, self.disk / DATABASE)

    def settle(self) -> None:
        """All that was made is confirmed."""
        self.node.hush()
        eventually(lambda: self.node.acknowledged == self.node.everything, CALM_S)
        self.gateway.wait_for(lambda status: status.sinks[0].backlog == 0, CALM_S)


def test_what_a_broker_forgets_it_had_confirmed_and_nothing_else_is_lost(tmp_path: Path) -> None:
    story = Story(tmp_path)
    confirmed: set[Identity] = set()
    with story.running():
        story.deliver()
        story.broker.stop()  # in order: it writes what it has
        shutil.copy(story.disk / DATABASE, story.copy)
        story.broker.start()
        for disk in (lambda: None, story.wipe, story.restore):
            story.deliver()
            story.consumer.stop()  # its session stays, and what comes is the broker's to keep
            story.deliver()
            confirmed |= story.restart_broker(disk)
            story.consumer.start()
        story.deliver()
        story.settle()
        eventually(lambda: story.node.everything - confirmed <= story.received(), CALM_S)
        lost = story.node.acknowledged - story.received()
    assert lost <= confirmed
    assert len(lost) >= 3 * FLOW - 3 * 20  # it does lose all that it had confirmed to a session that is away
    assert Delivery(story.consumer.messages).two_faced() == []
