"""The manual's consumer confirms from end to end: what a broker or a database forgets is sent again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.status import Status
from hil_tests.bench import eventually
from hil_tests.broker import Broker
from hil_tests.gateway import GatewayProcess
from hil_tests.historian import NAME, Historian
from hil_tests.steady_node import SteadyNode

pytestmark = [pytest.mark.hil, pytest.mark.timeout(90)]

GATEWAY = "confirmed"
SINK = """
[[sink.mqtt]]
url = "{url}"
[sink.mqtt.confirmation]
consumers = ["{name}"]
"""


class Story:
    """A node that measures all the time, its gateway, a broker with a memory and a historian."""

    def __init__(self, directory: Path, broker: Broker, node: SteadyNode, historian: Historian) -> None:
        self.directory = directory
        self.broker = broker
        self.node = node
        self.historian = historian
        self.gateway = GatewayProcess(
            directory / "gateway",
            name=GATEWAY,
            ports=node.port,
            brokers={},
            settings=SINK.format(url=broker.url, name=NAME),
        )

    def flow(self, blocks: int) -> None:
        """So many more blocks get as far as the broker has PUBACKed them."""
        status = self.gateway.status()
        target = blocks + (0 if status is None else status.sinks[0].delivered)
        self.gateway.wait_for(lambda status: status.sinks[0].delivered >= target, 20)

    def forget(self) -> None:
        """The broker loses its process and its memory."""
        self.broker.kill()
        for path in (self.directory / "broker").glob("mosquitto.db*"):
            path.unlink()
        self.broker.start()

    def end(self) -> Status:
        """The node falls silent; all that it was told is on a disk has to reach the historian's."""
        self.node.hush()
        eventually(lambda: self.historian.records() >= self.node.everything, 40)
        return self.gateway.wait_for(
            lambda status: [each.behind for each in status.sinks[0].consumers] == [0], 20
        )


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with (
        Broker(tmp_path / "broker", persistence=True) as broker,
        SteadyNode(every_s=0.02) as node,
        Historian(tmp_path / "historian", broker.port, GATEWAY) as historian,
    ):
        story = Story(tmp_path, broker, node, historian)
        historian.start()
        eventually(lambda: "historian" in broker.log(), 10)
        story.gateway.start()
        try:
            story.gateway.wait_for(
                lambda status: [each.spoke_ago_s for each in status.sinks[0].consumers] != [None], 20
            )
            node.flow()
            story.flow(50)
            yield story
        finally:
            story.gateway.kill()
        assert historian.log() == ""


def test_a_broker_that_is_wiped_while_the_historian_is_away_costs_nothing(story: Story) -> None:
    story.historian.kill()
    story.flow(100)  # the broker confirms them for a session that it will forget
    story.forget()
    before = story.historian.records()
    story.historian.start()
    story.end()
    assert len(story.node.everything - before) >= 100
    assert story.historian.records() == story.node.everything
    assert story.historian.gaps() == 0


def test_a_historian_restored_from_an_old_copy_is_filled_again(story: Story) -> None:
    eventually(lambda: len(story.historian.records()) > 30, 20)
    story.historian.kill()
    copy = story.historian.back_up()
    story.historian.start()
    story.flow(100)
    eventually(lambda: len(story.historian.records()) > 120, 20)
    story.historian.kill()
    ahead = len(story.historian.records())
    story.historian.restore(copy)
    assert len(story.historian.records()) < ahead
    story.historian.start()
    status = story.end()
    assert story.historian.records() == story.node.everything
    assert story.historian.gaps() == 0  # the tail has all of it
    assert status.counters["confirmation_replays"] >= 1
