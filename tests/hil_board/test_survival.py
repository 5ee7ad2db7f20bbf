"""What outlives each way in which a board may start again, and what does not."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hil_tests.board import Board, VirtualTime

# First it leaves something in every place; when it starts again it says what is still there.
MAIN = b"""
import esp32, machine, os, time
memory = machine.RTC().memory
nvs = esp32.NVS("node")

def stored(key):
    try:
        return nvs.get_i32(key)
    except OSError:
        return "-"

if "file" in os.listdir():
    print("=", machine.reset_cause(), open("file").read(), stored("committed"), (memory() or b"-").decode(),
          time.gmtime()[0], stored("not"), "variable" in globals(), time.ticks_ms() > 1900)
else:
    with open("file", "w") as file:
        file.write("file")
    memory(b"memory")
    machine.RTC().datetime((2030, 1, 1, 0, 0, 0, 0, 0))
    nvs.set_i32("committed", 7)
    nvs.commit()
    nvs.set_i32("not", 8)
    time.sleep_ms(2000)
    variable = 1
    END
print("end")
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """`start(last statement, something done to the board)`: what the second start says."""
    with ExitStack() as boards:

        def start(end: str, act: Callable[[Board], None] | None = None) -> str:
            time = VirtualTime(seed=1)
            board = Board(tmp_path / "board", time=time)
            boards.callback(board.close)
            said = bytearray()
            board.on_octets(lambda way, octets, _at: said.extend(octets if way == "up" else b""))
            board.install({"/main.py": MAIN.replace(b"END", end.encode())})
            board.start()
            if act is not None:
                time.run_until(lambda: b"end" in said, 10)
                act(board)
            time.run_until(lambda: b"= " in said and said.endswith(b">>> "), 100)
            return said.partition(b"= ")[2].decode().split("\r\n")[0]

        yield start


def soft_reset(board: Board) -> None:
    board.type(b"\x04")


@pytest.mark.parametrize(
    ("end", "act", "told"),
    [
        # Its cause, a file, NVS, RTC memory, the RTC's year; NVS without commit, variables, ticks.
        ("pass", soft_reset, "5 file 7 memory 2030 8 False True"),
        ("machine.reset()", None, "2 file 7 memory 2030 - False False"),
        ("machine.WDT(timeout=500); time.sleep(9)", None, "3 file 7 memory 2030 - False False"),
        ("machine.deepsleep(5000)", None, "4 file 7 memory 2030 - False False"),
        ("pass", Board.reset, "1 file 7 - 2000 - False False"),
        ("pass", Board.power_cut, "1 file 7 - 2000 - False False"),
    ],
    ids=["soft reset", "machine.reset", "watchdog", "deep sleep", "EN", "power cut"],
)
def test_what_must_survive_survives_and_nothing_else(
    end: str, act: Callable[[Board], None] | None, told: str, start: Callable[..., str]
) -> None:
    assert start(end, act) == told
