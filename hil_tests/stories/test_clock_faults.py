"""A gateway whose wall clock is wrong, is set by an hour again and again, or begins in 1970."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.host_clock import NO_EARLIER_NS
from hil_tests.bench import eventually
from hil_tests.broker import Broker, Subscriber
from hil_tests.dated import HONEST_SHARE, STALL_S
from hil_tests.demo.identity import Identity
from hil_tests.demo.publication import Block, understood
from hil_tests.false_time import TOLD_MODULE, FalseTime
from hil_tests.gateway import GatewayProcess
from hil_tests.steady_node import SteadyNode

pytestmark = [pytest.mark.hil, pytest.mark.timeout(180)]

HOUR_S = 3600.0
YEAR_S = 365 * 24 * HOUR_S
STEPS = 50
STEP_S = 0.25  # between two steps; the gateway looks at its clock once a second, and whenever it asks a node
LOOKED_S = 1.5  # it has seen its clock by then
SETTLED_S = 60.0
SINK = "mqtt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a subscriber was told of one block."""

    topic: str
    identity: Identity
    utc_s: float
    uncertainty_s: float
    state: str
    correction: bool


@dataclass(slots=True, kw_only=True)
class Scene:
    """A gateway with a false clock, a node whose samples the test knows, a broker that keeps all."""

    time: FalseTime
    gateway: GatewayProcess
    node: SteadyNode
    subscriber: Subscriber

    def heard(self) -> list[Told]:
        """All blocks in the order in which they came, repeats included."""
        found = []
        for each in self.subscriber.messages:
            block = understood(each.topic, each.properties, each.payload)
            if isinstance(block, Block):
                told = Told(
                    topic=each.topic,
                    identity=block.identity,
                    utc_s=min(reading.utc_s for reading in block.readings),
                    uncertainty_s=float(each.properties["tu"]),
                    state=each.properties["time"],
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

    def beyond_s(self, told: Told) -> float:
        """How far a time is off, beyond what it says of itself: up to 0 is honest."""
        boottime_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        true_s = self.node.sampled_ns(told.identity.seq) / 1e9 + time.time() - boottime_s
        return abs(told.utc_s - true_s) - told.uncertainty_s


@contextmanager
def scene(directory: Path, sink: str = "") -> Iterator[Scene]:
    false_time = FalseTime(directory / "time")
    with (
        Broker(directory / "broker", persistence=True) as broker,
        Subscriber(broker.url, name="witness") as subscriber,
        SteadyNode(every_s=0.02) as node,
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
            yield Scene(time=false_time, gateway=gateway, node=node, subscriber=subscriber)
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
    assert max(scene.beyond_s(each) for each in told) <= STALL_S
    assert sum(scene.beyond_s(each) <= 0 for each in told) >= HONEST_SHARE * len(told)


def test_fifty_steps_of_an_hour_move_nothing(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        of.time.vouch(True)
        of.gateway.start()
        of.gateway.wait_for(lambda status: status.clock.state == "synchronised")
        of.node.flow()
        eventually(of.heard, 15)
        for step in range(STEPS):
            # Whoever sets a clock, the kernel takes it for unsynchronised until a daemon says otherwise.
            if step % 2 == 0:
                of.time.vouch(False)
                of.time.step(HOUR_S if step % 4 else -HOUR_S)
            else:
                of.time.step(0.0)
                of.time.vouch(True)
            time.sleep(STEP_S)
        of.gateway.wait_for(lambda status: status.clock.state == "synchronised")
        told = of.settle()
        assert_whole(of, told)
        assert len(told) >= STEPS
        assert max(each.uncertainty_s for each in told) < 2.0
        assert {each.state for each in told} <= {"resolved", "provisional"}
        assert "resolved" in {each.state for each in told}


def test_a_gateway_that_begins_in_1970_waits_and_dates_all_of_it_afterwards(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        of.time.set_to(5.0)
        of.time.vouch(True)  # whatever the kernel says of 1970
        of.gateway.start()
        of.node.flow()
        status = of.gateway.wait_for(lambda status: status.store.waiting[SINK] > 50)
        assert status.clock.state == "unsynchronised"
        status = of.gateway.wait_for(lambda status: status.sinks[0].state == "waiting_for_time")
        assert status.sinks[0].detail.startswith("this host's clock is not synchronised")
        assert of.heard() == []
        of.gateway.stop()  # and again, in the same boot of the host
        of.gateway.start()
        of.gateway.wait_for(lambda status: status.store.waiting[SINK] > 100)
        assert of.heard() == []
        of.time.step(0.0)
        told = of.settle()
        assert_whole(of, told)
        assert {each.state for each in told} == {"resolved"}
        assert max(each.uncertainty_s for each in told) < 1.0


def test_a_clock_a_year_ahead_that_is_set_back_dates_nothing_into_the_future_for_good(tmp_path: Path) -> None:
    with scene(tmp_path, 'unsynchronised = "send"\nprovisional_after_s = 0\n') as of:
        of.time.step(YEAR_S)
        of.gateway.start()
        of.node.flow()
        eventually(lambda: len(of.heard()) > 50, 15)
        early = of.heard()
        assert {each.state for each in early} == {"provisional"}
        assert min(each.uncertainty_s for each in early) > YEAR_S
        of.time.step(0.0)
        of.time.vouch(True)
        time.sleep(LOOKED_S)
        before = len(of.heard())
        eventually(lambda: len(of.heard()) > before + 50, 15)
        told = of.settle()
        assert_whole(of, told)
        late = [each for each in told if each.state == "resolved"]
        assert len(late) > 20
        assert max(each.uncertainty_s for each in late) < 1.0


def test_a_lie_would_be_seen(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        of.time.step(HOUR_S)
        of.time.vouch(True)  # a hostile time server
        of.gateway.start()
        of.node.flow()
        eventually(of.heard, 15)
        told = of.settle()
        assert {each.state for each in told} == {"resolved"}
        assert min(of.beyond_s(each) for each in told) > HOUR_S - 1
        with pytest.raises(AssertionError):
            assert_whole(of, told)
