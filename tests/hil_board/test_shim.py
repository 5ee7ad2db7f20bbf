"""What a board's MicroPython loads first: made once, by whoever comes first."""

import subprocess
import sys
from pathlib import Path

import pytest

from hil_tests.board import Board, VirtualTime
from hil_tests.board.flash import FLASH_OCTETS, Flash, FlashFault, NoSuchFile
from hil_tests.board.shim import shim_directory

MAKE = "import sys; from pathlib import Path; from hil_tests.board.shim import shim_directory as make; "
SOURCES = Path(__file__).resolve().parents[2] / "hil_tests" / "board" / "child"


def made_by_three_at_once(cache: Path) -> set[str]:
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", f"{MAKE}print(make(Path(sys.argv[1])))", cache], stdout=subprocess.PIPE
        )
        for _ in range(3)
    ]
    return {maker.communicate(timeout=20)[0].decode().strip() for maker in makers}


def test_several_that_come_first_make_it_once(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (directory,) = map(Path, made_by_three_at_once(cache))
    assert {file.stem for file in directory.iterdir()} == {file.stem for file in SOURCES.glob("*.py")}
    assert directory.stat().st_mode & 0o777 == 0o755
    assert {entry.name for entry in cache.iterdir()} == {directory.name, "board-shim.lock"}


def test_what_was_begun_and_not_ended_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "board-shim-begun").mkdir()
    (tmp_path / "board-shim-begun" / "half.mpy").write_bytes(b"")
    assert "half.mpy" not in {file.name for file in shim_directory(tmp_path).iterdir()}


def test_a_fault_of_the_flash_says_what_there_was_to_mend_it_with(tmp_path: Path) -> None:
    flash = Flash(tmp_path)
    flash.write(b"\x55" * FLASH_OCTETS)
    with pytest.raises(FlashFault, match=r"(?s)tool\.put.*exit 1, .*OSError.*tool\.mpy \d{3}") as fault:
        flash.install({"/main.py": b""})
    assert not isinstance(fault.value, NoSuchFile)


# An octet of garbage that is collected tells that the threshold was reached: frames of functions count, too.
COST = """
import asyncio, gc
from machine import I2C, Pin

async def cost(what):
    await what()
    gc.threshold(-1)
    gc.collect()
    rubbish = bytearray(3000)
    rubbish = None
    gc.threshold(20000)
    before, times = gc.mem_alloc(), 0
    while gc.mem_alloc() > before - 1500 and times < 2000:
        await what()
        times += 1
    gc.threshold(-1)
    print("=", 20000 // times if times < 2000 else 0)

clock, data = Pin(18, Pin.OUT, value=0), Pin(19, Pin.IN)
bus, buffer = I2C(0, scl=Pin(22), sda=Pin(21)), bytearray(8)

async def read_bits():
    while data.value():
        await asyncio.sleep_ms(2)
    for _ in range(25):
        clock.value(1)
        clock.value(0)
        data.value()

async def read_registers():
    bus.readfrom_mem_into(0x76, 0xd0, buffer)

async def sleep():
    await asyncio.sleep_ms(2)

async def main():
    for what in (sleep, read_bits, read_registers):
        await cost(what)
    print("end")

asyncio.run(main())
"""


def test_the_shim_hastens_no_collection_of_the_firmwares_garbage(tmp_path: Path) -> None:
    time = VirtualTime(seed=1)
    said = bytearray()
    with Board(tmp_path / "board", time=time) as board:
        board.kill()
        board.install({"/main.py": COST.encode()})
        board.on_octets(lambda way, octets, _at: said.extend(octets if way == "up" else b""))
        board.start()
        time.run_until(lambda: said.endswith(b">>> "), 3000)
    asleep, bits, registers = (int(line[2:]) for line in said.decode().split("\r\n") if line.startswith("= "))
    assert asleep < 64
    assert bits < 192
    assert registers < 400
