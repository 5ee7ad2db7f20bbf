"""What a node says of its health, as the gateway's faults."""

import errno

import pytest

from gateway.counters import Conditions, Counters
from gateway.descriptors import Descriptors
from gateway.node_health import HealthWatch, NodeFault
from gateway.nodes import Node
from wire import cbor, up
from wire.intake import Intake

NAMES = ["heap_free", "heap_piece", "queue_ram", "flash_fault", "records_lost", "sensors_given_up"]
DESCRIPTOR = cbor.encode(
    {
        "channels": [
            {"name": "air_temperature", "unit": "Cel", "exp": -2},
            *({"name": name} for name in NAMES),
        ],
        "groups": [
            {"name": "air", "channels": [0]},
            {"name": "health", "channels": list(range(1, 1 + len(NAMES)))},
        ],
    }
)
NAME = up.descriptor_hash(DESCRIPTOR)
WELL = {"heap_free": 30_000, "heap_piece": 4096, **dict.fromkeys(NAMES[2:], 0)}
BOOT = 7 << 16
MINUTE_US = 60_000_000


class Shelf:
    def __init__(self):
        self.bodies = {NAME: DESCRIPTOR}

    def descriptor(self, hash8):
        return self.bodies.get(hash8)


class Bench:
    """A node that tells its health once a minute, and the watch over it."""

    def __init__(self):
        self.conditions = Conditions(Counters(), now_s=lambda: 0.0)
        self.watch = HealthWatch(Descriptors(Shelf()), self.conditions)
        self.node = Node(b"\x24\x0a\xc4\x00\x00\x01", Intake({}))
        self.ticks = 0

    def tell(self, boot=BOOT, descriptor=NAME, **changed):
        self.ticks += MINUTE_US
        values = [{**WELL, **changed}[name] for name in NAMES]
        self.take(up.Block(boot, 1, 0, 1, self.ticks, 0, values, {}), descriptor)

    def take(self, block, descriptor=NAME, boot=None):
        boot = block.boot if boot is None else boot
        hello = up.Hello(self.node.uid, boot, 0, "t", descriptor, "power_on", [], 240, bytes(8))
        self.watch.take(self.node, hello, block)

    def faults(self):
        return [(each.subject, each.state) for each in self.conditions.faults()]

    def fault(self):
        """The one that there is, and what it says."""
        [found] = self.conditions.faults()
        assert found.subject == "node 240ac4000001"
        return found.state, found.detail


@pytest.fixture
def bench():
    return Bench()


def test_a_node_that_is_well_is_no_fault_and_its_latest_words_are_known(bench):
    bench.tell()
    bench.tell(heap_free=29_000)
    assert bench.node.health.latest == {**WELL, "heap_free": 29_000}
    assert bench.faults() == []


@pytest.mark.parametrize(
    ("number", "detail"),
    [(errno.ENOSPC, "it is full"), (errno.ENOMEM, "the heap has no room for it"), (errno.EIO, "errno 5")],
)
def test_a_queue_that_cannot_go_to_flash_is_a_fault_until_it_can(bench, number, detail):
    bench.tell(flash_fault=number)
    assert bench.fault() == (NodeFault.FLASH, f"its queue cannot go to flash: {detail}")
    bench.tell()
    assert bench.faults() == []


def test_a_sensor_that_was_given_up_is_a_fault_until_it_is_back(bench):
    bench.tell(sensors_given_up=2)
    assert bench.fault() == (NodeFault.SENSORS, "2 given up: absent, broken or another chip")
    bench.tell(sensors_given_up=0)
    assert bench.faults() == []


def test_losses_are_a_fault_while_they_grow_and_an_hour_of_the_nodes_time_after(bench):
    bench.tell(records_lost=5)  # before this gateway looked: a GAP has named them
    assert bench.faults() == []
    bench.tell(records_lost=9)
    assert bench.fault() == (NodeFault.LOSING, "9 records lost in this boot")
    for _ in range(60):
        bench.tell(records_lost=9)
    assert bench.fault()[0] == NodeFault.LOSING
    bench.tell(records_lost=9)
    assert bench.faults() == []


def test_a_heap_in_pieces_is_a_fault_where_the_queue_does_not_have_it(bench):
    bench.tell(heap_piece=2048, queue_ram=9000)
    assert bench.faults() == []
    bench.tell(heap_piece=2048, queue_ram=300)
    assert bench.fault() == (NodeFault.MEMORY, "30000 octets free, 2048 in one piece")


def test_of_several_faults_the_gravest_is_shown(bench):
    bench.tell()
    bench.tell(heap_piece=256, sensors_given_up=1, records_lost=1, flash_fault=5)
    assert bench.fault()[0] == NodeFault.FLASH
    bench.tell(heap_piece=256, sensors_given_up=1, records_lost=1)
    assert bench.fault()[0] == NodeFault.LOSING


@pytest.mark.parametrize("changed", [{"boot": BOOT + (1 << 16)}, {"descriptor": b"no such "}])
def test_another_boot_or_descriptor_begins_anew(bench, changed):
    bench.tell(sensors_given_up=1)
    block = up.Block(changed.get("boot", BOOT), 1, 1, 0, bench.ticks, 0, [2541], {})
    bench.take(block, changed.get("descriptor", NAME))
    assert bench.faults() == []
    assert bench.node.health.latest == {}


def test_what_an_earlier_boot_said_is_no_news(bench):
    bench.tell(boot=BOOT)
    old = [{**WELL, "flash_fault": 5}[name] for name in NAMES]
    bench.take(up.Block(BOOT - (1 << 16), 1, 0, 1, 0, 0, old, {}), boot=BOOT)
    bench.take(up.Gap(BOOT, 1, 0, 3, "queue_full", 0, 0))
    assert bench.faults() == []
    assert bench.node.health.latest == WELL


def test_a_block_of_another_shape_or_without_values_changes_nothing(bench):
    bench.tell(sensors_given_up=1)
    for values in ([], [1, 2, 3]):
        bench.take(up.Block(BOOT, 1, 2, 1, bench.ticks, 0, values, {}))
    assert bench.fault()[0] == NodeFault.SENSORS
    bench.take(
        up.Block(BOOT, 1, 3, 1, bench.ticks, 0, [None] * len(NAMES), dict.fromkeys(range(len(NAMES)), 1))
    )
    assert bench.node.health.latest == {}


def test_a_group_of_that_name_with_channels_of_its_own_is_no_fault():
    bench = Bench()
    body = cbor.encode({"channels": [{"name": "pulse"}], "groups": [{"name": "health", "channels": [0]}]})
    shelf = Shelf()
    shelf.bodies = {up.descriptor_hash(body): body}
    bench.watch = HealthWatch(Descriptors(shelf), bench.conditions)
    bench.take(up.Block(BOOT, 1, 0, 0, 0, 0, [72], {}), up.descriptor_hash(body))
    assert bench.node.health.latest == {"pulse": 72}
    assert bench.faults() == []
