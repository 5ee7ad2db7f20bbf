"""The network between gateway and broker carries nothing for a while, and nobody is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from gateway.status import Status
from hil_tests.black_hole import BlackHole, Way
from hil_tests.broker import Broker, Subscriber, free_port
from hil_tests.dark_link import DarkLink, possible
from hil_tests.delivery import Delivery, identities
from hil_tests.gateway import GatewayProcess
from hil_tests.steady_node import SteadyNode

pytestmark = [pytest.mark.hil, pytest.mark.timeout(150)]

SEED = 11
ACK_TIMEOUT_S = 5
NOTICED_S = ACK_TIMEOUT_S + 2.0  # an ack is too old, long before the keep alive (60 s) finds out
CALM_S = 40.0
KEEP_ALL = "max_queued_messages 0"  # mosquitto forgets what a subscriber is more than 1000 behind
SHORT_S = 2.0  # of darkness, in which no ack gets too old
SINK = """
[[sink.mqtt]]
name = "mqtt"
url = "{url}"
keepalive_s = 60
ack_timeout_s = 5
"""
# Ways that are dark, and whether their connections are forgotten.
HOLES = [((Way.UP, Way.DOWN), True), ((Way.DOWN,), False)]


async def until(gateway: GatewayProcess, fact: Callable[[Status], bool], timeout_s: float = CALM_S) -> Status:
    return await asyncio.to_thread(gateway.wait_for, fact, timeout_s)


async def test_a_path_that_carries_nothing_is_noticed_by_the_age_of_an_ack(tmp_path: Path) -> None:
    random = Random(SEED)
    with (
        Broker(tmp_path / "broker", settings=KEEP_ALL) as broker,
        Subscriber(broker.url) as subscriber,
        SteadyNode(every_s=0.02) as node,
    ):
        async with BlackHole(broker.port) as hole:
            settings = SINK.format(url=hole.url)
            gateway = GatewayProcess(tmp_path, name="dark", ports=node.port, brokers={}, settings=settings)
            gateway.start()
            try:
                node.flow()
                await until(gateway, lambda status: status.sinks[0].delivered > 0)
                for ways, forget in HOLES:
                    await asyncio.sleep(random.uniform(0.2, 1.0))
                    hole.darken(ways, forget=forget)
                    began_s = time.monotonic()
                    status = await until(gateway, lambda status: status.sinks[0].state == "connection_lost")
                    assert status.sinks[0].detail.startswith("ack_timeout")
                    assert time.monotonic() - began_s < NOTICED_S
                    await asyncio.sleep(random.uniform(0.0, 1.0))
                    hole.light()
                    await arrived(gateway, node, subscriber)
                connections = hole.connections
                hole.darken()
                await asyncio.sleep(SHORT_S)  # an ack may come late
                hole.light()
                node.hush()
                await arrived(gateway, node, subscriber)
                assert hole.connections == connections
                await until(gateway, lambda status: status.sinks[0].backlog == 0)
            finally:
                await asyncio.to_thread(gateway.stop)
        delivery = Delivery(subscriber.messages)
        assert delivery.blocks.keys() == node.acknowledged == node.everything
        assert delivery.repeats > 0
        assert delivery.two_faced() == []


async def arrived(gateway: GatewayProcess, node: SteadyNode, subscriber: Subscriber) -> None:
    """What the node was told is on disk by now has come to the subscriber."""
    acknowledged = node.acknowledged
    await until(gateway, lambda _: acknowledged <= identities(subscriber.messages))


if possible():  # root on Linux; the story above needs nobody

    async def test_a_real_link_that_loses_every_packet_is_noticed_and_overcome(tmp_path: Path) -> None:
        port = free_port()
        with DarkLink() as link, SteadyNode(every_s=0.02) as node:
            settings = f"{KEEP_ALL}\nlistener {port} {link.host}"
            with (
                Broker(tmp_path / "broker", settings=settings) as broker,
                Subscriber(broker.url) as subscriber,
            ):
                gateway = GatewayProcess(
                    tmp_path,
                    name="dark",
                    ports=node.port,
                    brokers={},
                    settings=SINK.format(url=f"mqtt://{link.host}:{port}"),
                    prefix=link.command,
                )
                gateway.start()
                try:
                    node.flow()
                    await until(gateway, lambda status: status.sinks[0].delivered > 0)
                    link.darken()
                    began_s = time.monotonic()
                    status = await until(gateway, lambda status: status.sinks[0].state == "connection_lost")
                    assert status.sinks[0].detail.startswith("ack_timeout")
                    assert time.monotonic() - began_s < NOTICED_S
                    link.light()
                    await arrived(gateway, node, subscriber)
                    node.hush()
                    await arrived(gateway, node, subscriber)
                    await until(gateway, lambda status: status.sinks[0].backlog == 0)
                finally:
                    await asyncio.to_thread(gateway.stop)
                delivery = Delivery(subscriber.messages)
        assert delivery.blocks.keys() == node.acknowledged == node.everything
        assert delivery.two_faced() == []
