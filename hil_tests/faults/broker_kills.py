"""SIGKILL of a real broker at random moments, sometimes with its disk wiped, while a gateway delivers.

Who listens does so at QoS 0: mosquitto passes a message on before it confirms it, so what it confirmed was
heard, or is lost for all to see.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from hil_tests.bench import eventually
from hil_tests.broker import Broker, Subscriber
from hil_tests.delivery import Delivery
from hil_tests.demo.stored import read_store
from hil_tests.faults.history import scratch
from hil_tests.gateway import GatewayProcess
from hil_tests.steady_node import SteadyNode

ALIVE_S = 5.0  # at most: the gateway is back after a second or two
BLOCK_EVERY_S = 0.01
WIPED = 20  # every so many-th time its disk is emptied as well
CALM_S = 180.0  # the gateway's pauses have become as long as they get
MISTAKES_KEPT = 20
NEEDS = "max_queued_messages 0"


@dataclass(slots=True)
class Counts:
    """`rows`: blocks that the node was told are on disk."""

    kills: int = 0
    wiped: int = 0
    rows: int = 0
    lost: int = 0
    repeats: int = 0
    mistakes: list[str] = field(default_factory=list)


def broker_kills(seed: int, kills: int) -> Counts:
    """Kill one broker so many times, at moments drawn from the seed, and judge at the end."""
    chance = random.Random(seed)
    counts = Counts()
    with (
        scratch() as name,
        Broker(Path(name) / "broker", persistence=True, settings=NEEDS) as broker,
        Subscriber(broker.url, qos=0, again_s=0.02) as listener,
        SteadyNode(every_s=BLOCK_EVERY_S) as node,
    ):
        gateway = GatewayProcess(
            Path(name) / "gateway", name="soak", ports=node.port, brokers={"mqtt": broker.url}
        )
        gateway.start()
        try:
            node.flow()
            gateway.wait_for(lambda status: status.sinks[0].delivered > 0)
            for _ in range(kills):
                time.sleep(chance.uniform(0, ALIVE_S))
                broker.kill()
                counts.kills += 1
                if counts.kills % WIPED == 0:
                    (Path(name) / "broker" / "mosquitto.db").unlink(missing_ok=True)
                    counts.wiped += 1
                broker.start()
            node.hush()
            eventually(lambda: node.acknowledged == node.everything, CALM_S)
            gateway.wait_for(lambda status: status.sinks[0].backlog == 0, CALM_S)
        finally:
            gateway.stop()
        delivery = Delivery(listener.messages)
        waiting = read_store(gateway.state).waiting
        lost = {each for each in node.acknowledged if not delivery.has(each)} - waiting
        strange = delivery.blocks.keys() - node.everything
        counts.rows, counts.lost, counts.repeats = len(node.acknowledged), len(lost), delivery.repeats
    found = [f"{each} was acknowledged and is gone" for each in sorted(lost)]
    found += [f"{each} was never made" for each in sorted(strange)]
    found += [f"{each} says two things" for each in delivery.two_faced()]
    counts.mistakes += found[:MISTAKES_KEPT]
    return counts
