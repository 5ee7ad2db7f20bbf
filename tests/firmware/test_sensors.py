"""A sensor's life on the real MicroPython: absent, found, lost, found again."""

import json

from tests.firmware.node import run_script

PREAMBLE = """
import json
from drivers.errors import SensorError
from firmware.sensors import Sensor
from wire.faults import ABSENT, WRONG_ID, Fault

class Chip:
    CHANNELS = (("a", "Cel", 0), ("b", "Pa", 0))
    MEASURE_MS = 0
    def __init__(self):
        self.fault = None
        self.fails = ()
        self.opened = []
    def open(self):
        self.opened.append(now)
        if self.fault:
            raise SensorError(self.fault, 'seen')
        self._bus("open")
    def start(self):
        self._bus("start")
    def ready(self):
        self._bus("ready")
        return True
    def read(self):
        self._bus("read")
        return (1, 2)
    def _bus(self, name):
        if name in self.fails:
            raise OSError(19)

now = 0
chip = Chip()
sensor = Sensor(chip)

def scan(at_ms):
    global now
    now = at_ms
    sensor.start(now)
    sensor.ready(now)
    return [item.name if isinstance(item, Fault) else item for item in sensor.read(now)]
"""


def run(script):
    return json.loads(run_script(PREAMBLE + script))


def test_a_sensor_is_opened_once_and_read():
    script = "print(json.dumps([scan(0), scan(1000), chip.opened]))"
    assert run(script) == [[1, 2], [1, 2], [0]]


def test_an_absent_sensor_is_named_and_tried_again_at_a_bounded_pace():
    script = """
chip.fault = ABSENT
first = [scan(0), sensor.given_up]
for at in range(100, 1100000, 100):
    last = scan(at)
print(json.dumps(first + [last, sensor.given_up, chip.opened]))
"""
    first, at_first, last, at_last, opened = run(script)
    assert first == last == ["absent", "absent"]
    assert (at_first, at_last) == (False, True)
    tries = [0, 1000, 3000, 7000, 15000, 31000, 61000, 91000, 121000, 151000]
    assert opened == [*tries, 451000, 751000, 1051000]


def test_a_sensor_that_was_given_up_and_comes_back_has_all_its_tries_again():
    script = """
chip.fault = ABSENT
for at in range(0, 500000, 100):
    scan(at)
chip.fault = None
found = scan(751000)
chip.fails = ("read",)
chip.opened = []
for at in range(800000, 804000, 100):
    scan(at)
print(json.dumps([found, sensor.given_up, chip.opened]))
"""
    assert run(script) == [[1, 2], False, [800100, 801100, 803100]]


def test_a_chip_that_was_reset_again_and_again_is_opened_at_the_same_pace():
    script = """
from wire.faults import RESET_VALUE, UNSETTLED
answers = [(1, 2), (RESET_VALUE, RESET_VALUE)] + [(UNSETTLED, UNSETTLED), (RESET_VALUE, RESET_VALUE)] * 9
chip.read = lambda: answers.pop(0)
seen = [scan(at)[0] for at in range(0, 8000, 100)]
print(json.dumps([seen[:4], chip.opened]))
"""
    seen, opened = run(script)
    assert seen == [1, "reset_value", "unsettled", "reset_value"]
    assert opened == [0, 200, 1200, 3200, 7200]


def test_a_chip_that_hangs_is_opened_at_the_same_pace():
    for name in ("STUCK", "NOT_READY"):
        script = f"""
from wire.faults import {name}
chip.read = lambda: ({name}, {name})
seen = set([scan(at)[0] for at in range(0, 8000, 100)])
print(json.dumps([list(seen), chip.opened]))
"""
        assert run(script) == [[name.lower()], [0, 1000, 3000, 7000]], name


def test_a_driver_that_finds_its_chip_unusable_is_opened_at_the_same_pace():
    script = """
from wire.faults import CHECKSUM
def read():
    raise SensorError(CHECKSUM, "not whole")
chip.read = read
seen = set([scan(at)[0] for at in range(0, 8000, 100)])
print(json.dumps([list(seen), chip.opened]))
"""
    assert run(script) == [["checksum"], [0, 1000, 3000, 7000]]


def test_a_chip_that_is_overloaded_or_whose_wire_is_noisy_is_not_opened_again():
    for items in ("SATURATED, SATURATED", "CHECKSUM, CHECKSUM", "STUCK, 5", "OPEN_BRIDGE, STUCK"):
        script = f"""
from wire.faults import CHECKSUM, OPEN_BRIDGE, OUT_OF_RANGE, SATURATED, STUCK
chip.read = lambda: ({items})
for at in range(0, 8000, 100):
    scan(at)
print(json.dumps(chip.opened))
"""
        assert run(script) == [0], items


def test_another_chip_is_named_as_such():
    assert run("chip.fault = WRONG_ID\nprint(json.dumps(scan(0)))") == ["wrong_id", "wrong_id"]


def test_a_bus_without_answer_at_opening_is_an_absent_sensor():
    assert run("chip.fails = ('open',)\nprint(json.dumps(scan(0)))") == ["absent", "absent"]


def test_an_error_on_the_bus_costs_one_scan_and_the_chip_is_opened_afresh():
    for step in ("start", "ready", "read"):
        script = f"""
scan(0)
chip.fails = ("{step}",)
lost = scan(50000)
chip.fails = ()
print(json.dumps([lost, scan(50100), chip.opened]))
"""
        assert run(script) == [["bus", "bus"], [1, 2], [0, 50100]], step


def test_a_chip_that_opens_and_then_fails_is_kept_to_the_same_pace():
    script = """
chip.fails = ("read",)
for at in range(0, 100000, 100):
    scan(at)
print(json.dumps(chip.opened))
"""
    assert run(script) == [0, 1000, 3000, 7000, 15000, 31000, 61000, 91000]


def test_a_sensor_that_comes_later_is_found():
    script = """
chip.fault = ABSENT
scan(0)
chip.fault = None
print(json.dumps([scan(900), scan(1000)]))
"""
    assert run(script) == [["absent", "absent"], [1, 2]]


def test_a_chip_whose_data_do_not_come_is_opened_afresh():
    script = """
scan(0)
sensor.start(100)
sensor.give_up(300)
late = [item.name for item in sensor.read(300)]
print(json.dumps([late, scan(400), chip.opened]))
"""
    assert run(script) == [["not_ready", "not_ready"], [1, 2], [0, 400]]


def test_a_dead_chip_is_waited_for_at_a_bounded_pace_only():
    script = """
waits = []
for at in range(0, 100000, 100):
    now = at
    sensor.start(now)
    if sensor.fault is None:
        waits.append(at)
        sensor.give_up(at)
print(json.dumps(waits))
"""
    assert run(script) == [0, 1000, 3000, 7000, 15000, 31000, 61000, 91000]
