"""A waveform's task and interrupt on the real MicroPython, with a pin that fires when the story says so."""

from tests.firmware.node import run_script
from wire import faults, up
from wire.scans import scans_of

PREAMBLE = """
import time
from bench import *
from firmware.clock import Ticks
from firmware.waveform import Waveform

MOST = time.ticks_add(0, -1)
clock.us = MOST - 200000  # the ticks wrap within the story

class Pin:
    IRQ_FALLING = 1
    IRQ_RISING = 2
    handler = None
    def irq(self, handler=None, trigger=3):
        self.handler = handler

class Chip:
    CHANNELS = (("x", "count", 0),)
    MEASURE_MS = 0
    code = 0
    waits = False
    def open(self):
        pass
    def start(self):
        pass
    def ready(self):
        return self.waits
    def read(self):
        self.waits = False
        return (self.code,)

pin = Pin()
chip = Chip()
queue = RamQueue(65536, 100000)
group = {"period_ms": 1000, "sps": 100, "scans": 64, "decimate": 1, "report_ms": 10000}
group["data_ready"] = (pin, 0)
ticks = Ticks(lambda: clock.us & MOST, MOST)
wave = Waveform(0, group, [Sensor(chip)], ticks, queue, Encoder(1024), lambda: None, Heart(1, None))

def convert(count):
    for _ in range(count):
        clock.us += 10000
        chip.code += 1
        chip.waits = True
        if pin.handler:
            pin.handler(pin)

async def pause(looks):
    # The clock moves by conversions only.
    for _ in range(looks):
        await _switch_task(0)

async def nothing(_ms):
    await _switch_task(0)

asyncio.sleep_ms = nothing

def tell(story):
    async def run():
        task = asyncio.create_task(wave.run())
        await pause(2)
        await story()
        task.cancel()
    asyncio.run(run())
    for seq in range(queue.next_seq(2)):
        print(hexlify(queue.get(65536, 2, seq)[0]).decode())
    print(wave.missed)
"""


def tell(story):
    source = PREAMBLE.replace("from bench import *", "from bench import *\nfrom bench import _switch_task")
    *blocks, missed = run_script(source + story).split()
    return [up.decode(bytes.fromhex(block)) for block in blocks], int(missed)


def test_each_edge_is_a_scan_with_its_own_time_over_the_wrap_of_the_ticks():
    blocks, missed = tell("""
async def story():
    for _ in range(16):
        convert(4)
        await pause(1)
tell(story)
""")
    assert missed == 0
    [block] = blocks
    assert [scan[0] for scan in scans_of(block, 1)] == list(range(1, 65))
    assert (block.t_first, block.span) == (10_000, 630_000)


def test_what_the_task_is_too_late_for_is_missed_and_named_in_its_place():
    blocks, missed = tell("""
async def story():
    convert(3)
    await pause(1)
    convert(70)  # seven more than the ring holds
    await pause(1)
    convert(60)
    await pause(1)
tell(story)
""")
    assert missed == 7
    items = [scan[0] for block in blocks for scan in scans_of(block, 1)]
    assert items[:66] == list(range(1, 67))
    assert items[66:74] == [None] * 7 + [74]
    assert set(blocks[1].exceptions.values()) == {faults.MISSED.code}


def test_a_parked_one_touches_no_chip_and_goes_on_afterwards():
    blocks, missed = tell("""
async def story():
    convert(5)
    await pause(1)
    wave.parked = True
    await pause(1)
    assert pin.handler is None
    convert(20)
    assert chip.waits
    wave.parked = False
    await pause(2)
    convert(64)
    await pause(1)
tell(story)
""")
    assert missed == 0
    assert [len(block.values) for block in blocks[:2]] == [5, 64]
    assert scans_of(blocks[1], 1)[0] == [25]
