"""A gateway with a false clock, a node whose samples a test knows, and a broker that keeps all: one scene."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.host_clock import NO_EARLIER_NS
from hil_tests.bench import eventually
from hil_tests.broker import Broker, Subscriber
from hil_tests.demo.identity import Identity
from hil_tests.demo.publication import Block, understood
from hil_tests.false_time import TOLD_MODULE, FalseTime
from hil_tests.gateway import GatewayProcess
from hil_tests.steady_node import SteadyNode

SETTLED_S = 60.0
STALL_S = 0.01  # this machine may stop the node between a scan and its time stamp
PAIRS = 5
SINK = "mqtt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a subscriber was told of one block."""

    topic: str
    identity: Identity
    utc_s: float
    uncertainty_s: float
    state: str
    source: str
    correction: bool


@dataclass(slots=True, kw_only=True)
class Scene:
    """A gateway with a false clock, a node whose samples the test knows, a broker that keeps all."""

    time: FalseTime
    gateway: GatewayProcess
    node: SteadyNode
    ports: Path  # where further nodes may be plugged in
    subscriber: Subscriber

    def begin(self) -> None:
        """Start the gateway, and wait until it answers: behind libfaketime that takes a while."""
        self.gateway.start()
        self.gateway.wait_for(lambda _status: True, SETTLED_S)

    def reboot(self) -> None:
        """The gateway's host loses its power, and is on again; the node never loses its own."""
        self.gateway.kill()
        self.time.reboot()
        self.gateway.prefix = self.time.prefix

    def heard(self, node: SteadyNode | None = None) -> list[Told]:
        """All blocks of the node, or of another one, in the order in which they came, repeats included."""
        of = (node or self.node).of
        found = []
        for each in self.subscriber.messages:
            block = understood(each.topic, each.properties, each.payload)
            if isinstance(block, Block) and block.identity.of == of:
                told = Told(
                    topic=each.topic,
                    identity=block.identity,
                    utc_s=min(reading.utc_s for reading in block.readings),
                    uncertainty_s=float(each.properties["tu"]),
                    state=each.properties["time"],
                    source=each.properties.get("source", ""),
                    correction=each.properties.get("correction") == "1",
                )
                found.append(told)
        return found

    def settle(self) -> list[Told]:
        """No more blocks; wait until all are delivered, and give what was told."""
        self.node.hush()
        eventually(lambda: self.node.acknowledged == self.node.everything, SETTLED_S)
        eventually(lambda: {each.identity for each in self.heard()} >= self.node.everything, SETTLED_S)
        return self.heard()

    def beyond_s(self, told: Told, node: SteadyNode | None = None) -> float:
        """How far a time is off, beyond what it says of itself: up to 0 is honest."""
        true_s = (node or self.node).sampled_ns(told.identity.seq) / 1e9 + utc_minus_boottime_s()
        return abs(told.utc_s - true_s) - told.uncertainty_s


def utc_minus_boottime_s() -> float:
    """Of several readings the one in which a busy machine stopped us for the least time."""
    pairs = []
    for _ in range(PAIRS):
        before_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        utc_s = time.time()
        after_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        pairs.append((after_s - before_s, utc_s - (before_s + after_s) / 2))
    return min(pairs)[1]


@contextmanager
def scene(directory: Path, sink: str = "", *, every_s: float = 0.02, look_s: int = 0) -> Iterator[Scene]:
    """`sink`: more of its configuration; the node makes a block `every_s`; `look_s` as of FalseTime."""
    false_time = FalseTime(directory / "time", look_s=look_s)
    with (
        Broker(directory / "broker", persistence=True) as broker,
        Subscriber(broker.url, name="witness") as subscriber,
        SteadyNode(every_s=every_s) as node,
    ):
        ports = directory / "dev"
        ports.mkdir()
        node.plug(ports / "tty1")
        gateway = GatewayProcess(
            directory / "gateway",
            name="clocks",
            ports=f"{ports}/tty*",
            brokers={SINK: broker.url},
            settings=sink,  # goes on with the table of the last sink
            module=TOLD_MODULE,
            prefix=false_time.prefix,
            assume_synchronised=False,
        )
        try:
            yield Scene(time=false_time, gateway=gateway, node=node, ports=ports, subscriber=subscriber)
        finally:
            gateway.kill()


def assert_whole(scene: Scene, told: list[Told]) -> None:
    """Nothing lost, nothing out of order on its topic, nothing from before this program, no lie."""
    assert {each.identity for each in told} == scene.node.everything
    first = {(each.topic, each.identity): at for at, each in reversed(list(enumerate(told)))}
    for topic in {each.topic for each in told}:
        seqs = [
            each.identity.seq
            for at, each in enumerate(told)
            if each.topic == topic and not each.correction and first[topic, each.identity] == at
        ]
        assert seqs == sorted(seqs), topic
    assert min(each.utc_s for each in told) >= NO_EARLIER_NS / 1e9
    worst = max(told, key=scene.beyond_s)
    assert scene.beyond_s(worst) <= STALL_S, worst
    beyond_s = [scene.beyond_s(each) for each in told]
    assert sum(each <= 0 for each in beyond_s) >= 0.99 * len(beyond_s)
