"""The upstream is a cluster, and the server that leads it dies while blocks flow."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil_tests.bench import eventually
from hil_tests.delivery import Delivery
from hil_tests.demo.stored import read_store
from hil_tests.gateway import GatewayProcess
from hil_tests.nats_cluster import NatsCluster
from hil_tests.nats_consumer import NatsConsumer
from hil_tests.steady_node import SteadyNode

pytestmark = [pytest.mark.hil, pytest.mark.timeout(180)]

FLOW = 300  # blocks before the kill, and as many after it
FAILOVER_S = 60.0  # an election of 4 to 8 s, a CONNECT that hangs for 5 s, pauses
SINK = """
[[sink.mqtt]]
name = "mqtt"
urls = [{urls}]
window = 50
"""


def test_a_cluster_that_loses_its_leader_and_then_its_majority_loses_no_block(tmp_path: Path) -> None:
    """Judged by what a durable consumer takes out of the cluster, and what the node was told."""
    with NatsCluster(tmp_path / "nats") as cluster, SteadyNode(every_s=0.01) as node:
        consumer = NatsConsumer([server.url for server in cluster.servers.values()])
        consumer.make()
        # The gateway prefers the server that is about to die.
        urls = [cluster.servers[cluster.wait_for_leader()].mqtt_url]
        urls += [url for url in cluster.urls if url not in urls]
        gateway = GatewayProcess(
            tmp_path / "gateway",
            name="cluster",
            ports=node.port,
            brokers={},
            settings=SINK.format(urls=", ".join(f'"{url}"' for url in urls)),
        )
        gateway.start()
        try:
            node.flow()
            status = gateway.wait_for(lambda status: status.sinks[0].delivered >= FLOW, FAILOVER_S)
            assert (status.sinks[0].broker, status.sinks[0].protocol) == (urls[0], "mqtt 3.1.1")
            dead = cluster.kill_leader()
            before = status.sinks[0].delivered
            status = gateway.wait_for(
                lambda status: (
                    status.sinks[0].broker != urls[0] and status.sinks[0].delivered > before + FLOW // 2
                ),
                FAILOVER_S,
            )
            # The backlog drains: many blocks are on their way. Two of three servers are no majority.
            second = cluster.server_of(status.sinks[0].broker)
            second.kill()
            gateway.kill()  # what it knew only in memory is delivered again
            gateway.start()
            cluster.start_server(dead)
            cluster.start_server(second.name)
            cluster.wait_for_copies()
            node.hush()
            eventually(lambda: node.acknowledged == node.everything, FAILOVER_S)
            gateway.wait_for(lambda status: status.sinks[0].backlog == 0, FAILOVER_S)
        finally:
            gateway.stop()
        kept = consumer.take()
    delivery = Delivery(kept)
    waiting = read_store(gateway.state).waiting
    assert {each for each in node.acknowledged if not delivery.has(each)} - waiting == set()
    assert delivery.blocks.keys() <= node.everything
    assert delivery.repeats > 0
    assert delivery.two_faced() == []
    assert waiting == set()
