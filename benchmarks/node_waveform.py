"""An hour of a node that takes 80 conversions a second of an HX711 and a BME280's weather each second.

    .venv/bin/python -m benchmarks.node_waveform [--minutes 60]

In virtual time, over a console of 115200 baud whose writes hold the node up as on a board. Counts the
conversions that the chip made, those that came, and the slots that were missed; now and then the gateway
hears nothing, so that a backlog has to drain. Exit status 1 when anything was missed. What one block costs is
in benchmarks.node_block.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from hil_tests.board import Board, VirtualTime
from hil_tests.chips import HX711Chip, Load
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


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60)
    missed = hour(parser.parse_args().minutes)
    if missed:
        sys.exit("something was missed")


if __name__ == "__main__":
    main()
