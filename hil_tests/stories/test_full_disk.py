"""The disk under a gateway is full, has no inodes, or is read-only: it runs, says so, goes on by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from gateway.status import Status
from hil_tests.broker import Broker, Subscriber
from hil_tests.delivery import Delivery
from hil_tests.gateway import GatewayProcess
from hil_tests.real_disk import RealDisk, has_ext4
from hil_tests.steady_node import SteadyNode

pytestmark = [pytest.mark.hil, pytest.mark.timeout(90)]

KINDS = ["tmpfs", "ext4"] if has_ext4() else ["tmpfs"]
CALM_S = 30.0  # within it everything is acknowledged and delivered
POLL_S = 0.1
SETTINGS = """
[store]
free_floor_mib = 1
"""


class Rig:
    """A gateway whose state is on a small disk, a node that sends all the time, and a consumer."""

    def __init__(self, directory: Path, disk: RealDisk, stack: ExitStack) -> None:
        self.disk = disk
        self.broker = stack.enter_context(Broker(directory / "broker"))
        self.subscriber = stack.enter_context(Subscriber(self.broker.url))
        self.node = stack.enter_context(SteadyNode(every_s=0.02))
        self.gateway = GatewayProcess(
            directory,
            name="full",
            ports=self.node.port,
            brokers={"mqtt": self.broker.url},
            settings=SETTINGS,
            prefix=disk.prefix,
        )
        self.gateway.state = disk.path / "state"
        stack.callback(self.gateway.stop)
        self.node.flow()

    def start(self) -> None:
        self.gateway.start()

    def wait_for(self, fact: Callable[[Status], bool]) -> Status:
        return self.gateway.wait_for(fact, CALM_S)

    def flows(self) -> None:
        """Something new is acknowledged."""
        before = len(self.node.acknowledged)
        self.until(lambda: len(self.node.acknowledged) > before + 5)

    def until(self, fact: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + CALM_S
        while not fact():
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{self.gateway.status()}\n{self.gateway.log_end()}")
            time.sleep(POLL_S)

    def all_is_well(self) -> None:
        """Everything that the node made is acknowledged and delivered, and no fault of the disk is left.

        A line may have half a frame for a gateway that was started in the middle of it.
        """
        self.node.hush()
        self.until(lambda: self.node.acknowledged == self.node.everything)
        self.until(lambda: all(map(Delivery(self.subscriber.messages).has, self.node.everything)))
        assert not Delivery(self.subscriber.messages).gaps
        self.wait_for(lambda now: not [each for each in now.faults if not is_beside(each.subject)])


@contextmanager
def rig(directory: Path, *, kind: str = "tmpfs", inodes: int = 0) -> Iterator[Rig]:
    with ExitStack() as stack:
        small = stack.enter_context(RealDisk(kind=kind, inodes=inodes))
        yield Rig(directory, small, stack)


def is_beside(subject: str) -> bool:
    return subject == "state directory" or subject.startswith("line ")


def faults(status: Status) -> set[tuple[str, str]]:
    return {(each.subject, each.name) for each in status.faults}


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_others_filled_is_waited_for_at_the_start(tmp_path: Path, kind: str) -> None:
    with rig(tmp_path, kind=kind) as here:
        (here.disk.path / "state").mkdir()
        here.disk.fill()
        here.start()
        status = here.wait_for(lambda now: ("store", "unopened") in faults(now))
        assert status.store.detail.startswith("full: ")
        assert f"next step: make room: df -h {here.gateway.state}" in status.store.detail
        assert not here.node.acknowledged
        here.disk.free()
        here.flows()
        here.all_is_well()


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_others_fill_under_a_running_gateway_costs_nothing(tmp_path: Path, kind: str) -> None:
    with rig(tmp_path, kind=kind) as here:
        here.start()
        here.flows()
        here.wait_for(lambda _: (here.gateway.state / "reserve").exists())
        here.disk.fill()
        here.until(lambda: "the disk is full; the reserve is given up" in here.gateway.log())
        made = len(here.node.everything)
        here.until(lambda: len(here.node.everything) > made + 20)
        here.disk.fill()  # the reserve as well
        assert here.gateway.pid is not None
        here.wait_for(lambda now: now.store.state in ("open", "degraded"))
        here.disk.free()
        here.flows()
        here.all_is_well()


def test_a_disk_without_inodes_is_waited_for_and_costs_a_running_gateway_nothing(tmp_path: Path) -> None:
    with rig(tmp_path, inodes=64) as here:
        (here.disk.path / "state").mkdir()
        here.disk.fill_inodes()
        here.start()
        here.until(lambda: "store: unopened: no_inodes: " in here.gateway.log())
        assert not here.node.acknowledged
        here.disk.free()
        here.flows()
        here.disk.fill_inodes()
        here.flows()
        here.gateway.kill()
        here.start()  # what it needs is there: the lock, the WAL, its index
        here.flows()
        here.disk.free()
        here.all_is_well()


def test_a_read_only_disk_is_waited_for_at_the_start(tmp_path: Path) -> None:
    with rig(tmp_path) as here:
        here.start()
        here.flows()
        here.gateway.stop()
        here.disk.remount("ro")
        here.start()
        here.until(lambda: "store: unopened: read_only: " in here.gateway.log())
        here.disk.remount("rw")
        here.flows()
        here.wait_for(lambda now: now.store.state == "open")
        here.all_is_well()


if has_ext4():  # only root can have a disk that fails

    def test_a_disk_that_becomes_read_only_stops_acknowledging_and_loses_nothing(tmp_path: Path) -> None:
        with rig(tmp_path, kind="ext4") as here:
            here.start()
            here.flows()
            here.disk.fail()
            status = here.wait_for(lambda now: ("store", "degraded") in faults(now))
            assert status.store.detail.startswith("read_only: ")
            made = len(here.node.everything)
            here.until(lambda: len(here.node.everything) > made + 20)
            here.gateway.stop()
            here.disk.repair()
            here.start()
            here.flows()
            here.all_is_well()


def test_a_state_directory_that_is_not_there_begins_when_it_is(tmp_path: Path) -> None:
    with rig(tmp_path) as here:
        (here.disk.path / "mnt").write_text("not mounted yet")
        here.gateway.state = here.disk.path / "mnt" / "state"
        here.start()
        here.until(lambda: "store: unopened: io: " in here.gateway.log())
        (here.disk.path / "mnt").unlink()
        here.flows()
        here.all_is_well()
