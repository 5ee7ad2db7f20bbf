"""How much of an ESP32's memory the firmware takes, each figure with its budget beside it.

    .venv/bin/python -m benchmarks.node_memory [--seconds 60]

Runs the firmware as it is installed on the MicroPython that scripts/build-micropython makes (an ESP32's
objects, integers, floats, and heap in two halves), in a heap of 100 KB: once with a gateway that
acknowledges, once without, where it goes to flash. Beside it the same on Debian's 32-bit MicroPython, which
has double floats and a heap of one piece. It scans ten times as fast as the defaults do, so a minute makes
the readings of ten. Then: what each module costs. Exit status 1 when a figure is over its budget.
"""

import argparse
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import node_image, node_modules
from hil_tests.interpreters import Kind, micropython
from wire import cbor, down, up
from wire.framing import ESCAPES_DOWN, FRAME_LIMIT_UP, FrameReader, stuff

ON_BOARD = node_image.ROOT / "benchmarks" / "node_memory_on_board.py"
HEAP_OCTETS = 100 * 1024  # what an ESP32's heap has after it grew once
PACE = 10
WITH_WIFI = {"FIELDGATE_FREE": "machine network umqtt.simple", "MICROPYPATH": "a:lib:.frozen"}
WINDOW = 4096
RECORDS_PER_TIME = 10
QUEUED_OCTETS = 14_000  # put there at the start where nobody answers, or until flash is in use
END_WITHIN_S = 60  # after the seconds asked for; a busy machine looks slowly
JUDGED: Kind = "single-float"
BESIDE: Kind = "32-bit"

SETTINGS = {
    "sensors": [{"driver": "bme280"}, {"driver": "hx711"}],
    "groups": [
        {"name": "air", "sensors": [0], "period_ms": 1000 // PACE, "scans": 10},
        {"name": "load", "sensors": [1], "period_ms": 100 // PACE, "scans": 10},
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A figure of one run, and what it must not pass."""

    text: str
    answered: bool  # with a gateway
    key: str
    least: int | None = None
    most: int | None = None

    def kept(self, octets: int) -> bool:
        """Whether the figure is within it."""
        return (self.least is None or octets >= self.least) and (self.most is None or octets <= self.most)

    def limit(self) -> str:
        """As people read it."""
        if self.least is not None:
            return f"at least {self.least}"
        return f"at most {self.most}" if self.most is not None else ""


BUDGETS = (
    Budget(text="heap free, gateway there", answered=True, key="free", least=30_000),
    Budget(text="high-water mark, gateway there", answered=True, key="high_water"),
    Budget(text="largest block, gateway there", answered=True, key="largest", least=8 * 1024),
    Budget(text="heap free, queue in flash", answered=False, key="free", least=8 * 1024),
    Budget(text="high-water mark, queue in flash", answered=False, key="high_water"),
    Budget(text="largest block, queue in flash", answered=False, key="largest"),
    Budget(text="one block encoded and framed", answered=True, key="block_allocated", most=2 * 1024),
)


class Run:
    """One node with a directory of its own, from its start to its figures."""

    def __init__(
        self, directory: Path, kind: Kind, seconds: int, *, answered: bool, link: dict | None = None
    ) -> None:
        node_image.write(directory, [ON_BOARD])
        (directory / "settings.json").write_text(json.dumps({**SETTINGS, **({"link": link} if link else {})}))
        self._directory = directory
        self._answered = answered
        self._reader = FrameReader(FRAME_LIMIT_UP)
        self.encoder = cbor.Encoder(1024)
        self.process = subprocess.Popen(
            node_image.command(micropython(kind), HEAP_OCTETS, ON_BOARD),
            cwd=directory,
            env=node_image.environment(
                FIELDGATE_ROOT=str(directory),
                FIELDGATE_SECONDS=str(seconds),
                FIELDGATE_CONVERSION_US=str(100_000 // PACE),
                FIELDGATE_QUEUED=str(0 if answered else QUEUED_OCTETS),
                **(WITH_WIFI if link else {"FIELDGATE_FREE": "machine"}),
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        assert self.process.stdin
        # As on a console, what its input has no room for is lost: both ends would wait for each other.
        os.set_blocking(self.process.stdin.fileno(), False)

    def take(self) -> bool:
        """Read what the node said and answer it, if anybody does; False at its end."""
        assert self.process.stdout
        octets = os.read(self.process.stdout.fileno(), 4096)
        for frame in self._reader.feed(octets):
            if self._answered:
                self.answer(up.decode(frame))
        return bool(octets)

    def figures(self) -> dict:
        """What the node measured; ends the program with what it printed where it did not come so far."""
        self.process.wait()
        path = self._directory / "figures.json"
        if not path.exists():
            sys.exit(self._reader.take_text().decode(errors="replace"))
        return json.loads(path.read_text())

    def answer(self, message: object) -> None:
        """What a gateway would say."""
        if isinstance(message, up.Hello):
            points = [[boot, stream, first] for boot, stream, first, _ in message.queued]
            self.send(down.Welcome("gw", points, WINDOW, need_desc=True, nonce=bytes(8)))
        elif isinstance(message, (up.Block, up.Gap)):
            self.send(down.Ack(message.boot, message.stream, message.next_seq, WINDOW))
            if message.seq % RECORDS_PER_TIME == 0:
                self.send(down.Time(message.seq))

    def send(self, message: down.Message) -> None:
        """Give it to the node."""
        assert self.process.stdin
        with suppress(BrokenPipeError):  # its time was over
            self.process.stdin.write(stuff(message.encode(self.encoder), ESCAPES_DOWN))


def measure(seconds: int) -> dict[tuple[Kind, bool], dict]:
    """Figures by (interpreter, with a gateway or not), all of them run at the same time."""
    with ExitStack() as stack:
        runs = {}
        for kind in (JUDGED, BESIDE):
            for answered in (True, False):
                directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                runs[kind, answered] = Run(directory, kind, seconds, answered=answered)
                process = stack.enter_context(runs[kind, answered].process)
                stack.callback(process.kill)
        outputs = {run.process.stdout: run for run in runs.values()}
        until = time.monotonic() + seconds + END_WITHIN_S
        while outputs and time.monotonic() < until:
            for output in select.select(list(outputs), [], [], 1)[0]:
                if not outputs[output].take():
                    del outputs[output]
        for run in outputs.values():
            run.process.kill()
        return {key: run.figures() for key, run in runs.items()}


def over_budget(figures: dict[tuple[Kind, bool], dict]) -> list[Budget]:
    """The budgets that the judged interpreter does not keep."""
    return [budget for budget in BUDGETS if not budget.kept(figures[JUDGED, budget.answered][budget.key])]


def report(figures: dict[tuple[Kind, bool], dict]) -> str:
    """A table: the judged figures, those beside them, the ratio, and the budget."""
    there, alone = figures[JUDGED, True], figures[JUDGED, False]
    lines = [
        f"{there['records']} records made with a gateway, {there['queue']} octets wait for their ACK;",
        f"{alone['records']} without, of which {alone['dropped']} were dropped, {alone['queue']} octets wait",
        f"{'octets':32} {JUDGED:>12} {BESIDE:>8} {'ratio':>6}   budget",
    ]
    for budget in BUDGETS:
        judged, beside = (figures[kind, budget.answered][budget.key] for kind in (JUDGED, BESIDE))
        ratio = f"{judged / beside:6.2f}" if beside else "     -"
        lines.append(f"{budget.text:32} {judged:12} {beside:8} {ratio}   {budget.limit()}")
    return "\n".join(lines)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=60)
    figures = measure(parser.parse_args().seconds)
    print(report(figures))
    print(node_modules.table(node_modules.costs(figures[JUDGED, True]["modules"])))
    if over_budget(figures):
        sys.exit("over budget")


if __name__ == "__main__":
    main()
