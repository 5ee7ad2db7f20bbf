"""What one block costs a node: time and heap, from ten scans to the octets for the line, by way of the queue.

    .venv/bin/python -m benchmarks.node_block

On the MicroPython with single floats and the heap of a node; a line of JSON with the same values beside it.
"""

import json
import sys
import tempfile
from pathlib import Path

from benchmarks import node_image
from benchmarks.node_memory import HEAP_OCTETS, JUDGED
from hil_tests.interpreters import micropython

ON_BOARD = Path(__file__).with_name("node_block_on_board.py")
ALLOCATED_MOST = 2048  # octets, for the first of KINDS
ROWS = ("time, us", "heap, octets", "on the line, octets")
KINDS = ("a block of 10 scans of 3 values", "a block of 64 conversions")
Figures = tuple[list[float], list[float]]  # of a block and of the line of JSON, each by ROWS


def measure() -> list[Figures]:
    """Of each of KINDS."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        node_image.write(directory, [ON_BOARD])
        printed = node_image.output_of(directory, micropython(JUDGED), HEAP_OCTETS, ON_BOARD)
    return [(ours, plain) for ours, plain in json.loads(printed)]


def report(kind: str, ours: list[float], plain: list[float]) -> str:
    """A table."""
    lines = [f"{kind:32} {'fieldgate':>9} {'JSON':>9} {'ratio':>6}"]
    for row, own, other in zip(ROWS, ours, plain, strict=True):
        lines.append(f"{row:32} {own:9.0f} {other:9.0f} {own / other:6.2f}")
    return "\n".join(lines)


def main() -> None:
    """See the module."""
    measured = measure()
    for kind, figures in zip(KINDS, measured, strict=True):
        print(report(kind, *figures))
    ours, _ = measured[0]
    if ours[ROWS.index("heap, octets")] > ALLOCATED_MOST:
        sys.exit(f"over budget: at most {ALLOCATED_MOST} octets of heap")


if __name__ == "__main__":
    main()
