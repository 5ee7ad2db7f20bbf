"""An hour of a node that takes 80 conversions a second of an HX711 and a BME280's weather each second.

    .venv/bin/python -m benchmarks.node_waveform [--minutes 60]

In virtual time, over a console of 115200 baud whose writes hold the node up as on a board. Counts the
conversions that the chip made, those that came, and the slots that were missed; now and then the gateway
hears nothing, so that a backlog has to drain. Exit status 1 when anything was missed. Then what one block
costs, on the MicroPython with an ESP32's floats where it is built.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import node_image
from hil_tests.board import Board, VirtualTime
from hil_tests.chips import HX711Chip, Load
from hil_tests.interpreters import ProgramMissing, micropython
from hil_tests.session_gateway import SessionGateway
from provisioning.application import build
from wire import up

AIR, STRAIN = 0, 1
SETTINGS = b"""{
    "sensors": [{"driver": "bme280"}, {"driver": "hx711"}],
    "groups": [{"name": "air", "sensors": [0]}, {"name": "strain", "sensors": [1], "sps": 80}]
}"""
BAUD = 115_200
DEAF_EVERY_S = 600
DEAF_S = 20
REST_S = 10  # at the end, for what is on its way

ONE_BLOCK = """
import gc, time
from wire.block import BlockBuilder
from wire.cbor import Encoder
from wire.framing import ESCAPES_UP, stuff
builder = BlockBuilder(1, 64)
encoder = Encoder(1024)
def fill():
    builder.clear()
    for at in range(64):
        builder.add(3600000000 + at * 12291, (84012 + 37 * at % 51,))
def send():
    return stuff(builder.encode(encoder, 37 << 16, 2, 1234, 1), ESCAPES_UP)
fill()
gc.collect()
gc.disable()
before = gc.mem_alloc()
frame = send()
octets = gc.mem_alloc() - before
gc.enable()
begun = time.ticks_us()
for _ in range(200):
    send()
encoded = time.ticks_diff(time.ticks_us(), begun) // 200
begun = time.ticks_us()
for _ in range(200):
    fill()
filled = time.ticks_diff(time.ticks_us(), begun) // 200
print(octets, len(frame), encoded, filled)
"""


def hour(minutes: float) -> int:
    """Run the node; print what came; give how much was missed."""
    virtual = VirtualTime(seed=1)
    chip = HX711Chip(Load(kilograms=2.0), virtual.monotonic_us, rate_sps=80.0)
    begun_s = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        board = Board(Path(directory) / "node", time=virtual, pin_chip=chip, console_baud=BAUD)
        board.install({**build().files, "/settings.json": SETTINGS})
        gateway = SessionGateway(board, virtual)

        def turn() -> None:
            gateway.deaf = not gateway.deaf
            virtual.after(DEAF_S if gateway.deaf else DEAF_EVERY_S - DEAF_S, turn)

        virtual.after(DEAF_EVERY_S / 2, turn)
        with board:
            virtual.run_for(minutes * 60 + REST_S)
    blocks = [record for record in gateway.records if isinstance(record, up.Block)]
    strain = [block for block in blocks if block.group == STRAIN]
    scans = sum(len(block.values) for block in strain)
    missed = sum(list(block.exceptions.values()).count(12) for block in strain)
    gaps = len(gateway.records) - len(blocks)
    rates = sorted((len(block.values) - 1) * 1e6 / block.span for block in strain[2:] if block.span)
    print(f"{virtual.seconds:.0f} s of a node in {time.monotonic() - begun_s:.0f} s")
    print(f"{virtual.seconds * 1e6 / chip.period_us:.0f} conversions, {scans} came in {len(strain)} blocks")
    print(f"missed {missed}, records dropped {gaps}; rate told {rates[0]:.3f} to {rates[-1]:.3f} a second,")
    print(f"true {1e6 / chip.period_us:.3f}; weather: {sum(b.group == AIR for b in blocks)} blocks")
    print(", ".join(f"{name} {value}" for name, value in gateway.health().items()))
    return missed + gaps


def one_block() -> None:
    """Print what a block of 64 conversions costs."""
    try:
        program = micropython("single-float")
    except ProgramMissing as missing:
        print(missing)
        return
    done = subprocess.run(
        [program, "-X", "heapsize=400k", "-c", ONE_BLOCK],
        env={"MICROPYPATH": f"{node_image.ROOT}:.frozen"},
        capture_output=True,
        text=True,
        check=True,
    )
    octets, frame, encoded_us, filled_us = map(int, done.stdout.split())
    print(f"a block of 64 conversions: a frame of {frame} octets, {octets} octets allocated,")
    print(f"{encoded_us} us to encode and frame, {filled_us} us to take 64 scans, on this machine")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60)
    missed = hour(parser.parse_args().minutes)
    one_block()
    if missed:
        sys.exit("something was missed")


if __name__ == "__main__":
    main()
