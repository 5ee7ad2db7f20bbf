"""Boots, resets and power cuts of the emulated board."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hil_tests.board import Board, ChipAccess
from hil_tests.board.board import HEAP_OCTETS, BoardInUse
from hil_tests.board.flash import NoSuchFile
from tests.hil_board.conftest import NewBoard
from tests.hil_board.terminal import Terminal, raw_repl


def test_power_on_shows_the_boot_rom_then_main_then_the_prompt(new_board: NewBoard) -> None:
    board = new_board("print('hello from main')")
    with Terminal(board.port) as terminal:
        said = terminal.read_until(b">>> ").decode()
    assert said.startswith("ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13")
    assert "hello from main\r\nMicroPython v1.25.0" in said
    assert board.counters.boots == {"power_on": 1}


def test_an_exception_in_main_ends_at_the_prompt_with_its_traceback(new_board: NewBoard) -> None:
    board = new_board("def f():\n    1 / 0\nf()\n")
    with Terminal(board.port) as terminal:
        said = terminal.read_until(b">>> ").decode()
    frames = '  File "main.py", line 3, in <module>\r\n  File "main.py", line 2, in f\r\n'
    assert f"Traceback (most recent call last):\r\n{frames}ZeroDivisionError: divide by zero\r\n" in said


def test_an_exception_in_boot_keeps_main_from_running(new_board: NewBoard) -> None:
    board = new_board("print('MAIN')", {"/boot.py": b"print('BOOT')\nraise ValueError(3)\n"})
    with Terminal(board.port) as terminal:
        said = terminal.read_until(b">>> ").decode()
    assert "BOOT\r\n" in said
    assert "ValueError: 3" in said
    assert "MAIN" not in said


def test_system_exit_in_main_is_a_soft_reset(new_board: NewBoard) -> None:
    board = new_board(
        "import sys, machine\n"
        "if machine.reset_cause() != machine.SOFT_RESET: sys.exit()\n"
        "print('second', machine.reset_cause())"
    )
    with Terminal(board.port) as terminal:
        said = terminal.read_until(b">>> ").decode()
    assert "MPY: soft reboot\r\nsecond 5\r\n" in said
    assert said.count("ets Jul") == 1


def test_a_file_survives_a_power_cut_and_an_unflushed_one_does_not(new_board: NewBoard) -> None:
    board = new_board(
        "try:\n    print('found', open('/kept').read())\nexcept OSError:\n"
        "    f = open('/kept', 'w'); f.write('it'); f.close()\n"
        "    g = open('/lost', 'w'); g.write('not'); print('written')\n"
        "    while True: pass\n"
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"written\r\n")
        board.power_cut()
        terminal.read_until(b"found it\r\n")
    assert board.counters.boots == {"power_on": 2}
    assert board.read_file("/kept") == b"it"
    assert board.read_file("/lost") == b""
    with pytest.raises(NoSuchFile, match="ENOENT"):
        board.read_file("/never")


def test_the_flash_outlives_the_board_object(tmp_path: Path) -> None:
    first = Board(tmp_path / "b")
    first.install({"/lib/pack/a.txt": b"\x00\xff\n" * 3000, "/b.txt": b""})
    assert Board(tmp_path / "b").read_file("/lib/pack/a.txt") == b"\x00\xff\n" * 3000


def test_files_are_not_installed_under_a_running_board(new_board: NewBoard) -> None:
    board = new_board()
    with pytest.raises(BoardInUse):
        board.install({"/x": b""})
    board.kill()
    board.install({"/x": b"1"})
    assert board.read_file("/x") == b"1"


def test_a_flash_without_a_file_system_is_said_again_and_again(tmp_path: Path) -> None:
    directory = tmp_path / "b"
    board = Board(directory)
    (directory / "flash.img").write_bytes(b"\x55" * 65536)
    with Board(directory) as again, Terminal(again.port) as terminal:
        terminal.read_until(b"The filesystem appears to be corrupted")
    board.close()


def test_machine_reset_cannot_be_swallowed(new_board: NewBoard) -> None:
    board = new_board(
        "import machine\n"
        "print('cause', machine.reset_cause())\n"
        "if machine.reset_cause() == machine.PWRON_RESET:\n"
        "    while True:\n"
        "        try:\n            machine.reset()\n        except BaseException: pass\n"
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"cause 1\r\n")
        assert b"rst:0xc (SW_CPU_RESET)" in terminal.read_until(b"cause 2\r\n")


@pytest.mark.parametrize("loss", [Board.power_cut, Board.reset])
def test_rtc_memory_outlives_a_reset_but_no_power_cut(
    loss: Callable[[Board], None], new_board: NewBoard
) -> None:
    board = new_board(
        "import machine\nr = machine.RTC()\nprint('kept', r.memory())\n"
        "if not r.memory():\n    r.memory(b'\\x00\\xa5')\n    machine.reset()\n"
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"kept b''\r\n")
        terminal.read_until(b"kept b'\\x00\\xa5'\r\n")
        loss(board)
        terminal.read_until(b"kept b''\r\n")


def test_deep_sleep_ends_in_a_boot_of_its_own_cause(new_board: NewBoard) -> None:
    board = new_board(
        "import machine\nprint('cause', machine.reset_cause())\n"
        "if machine.reset_cause() == 1: machine.deepsleep(50)\n"
    )
    with Terminal(board.port) as terminal:
        assert b"DEEPSLEEP_RESET" in terminal.read_until(b"cause 4\r\n")


def test_an_unfed_watchdog_resets_the_board(new_board: NewBoard) -> None:
    board = new_board(
        "import machine, time\n"
        "if machine.reset_cause() == machine.WDT_RESET:\n    print('bitten')\n"
        "else:\n"
        "    w = machine.WDT(timeout=300)\n"
        "    for _ in range(6):\n        time.sleep_ms(100)\n        w.feed()\n"
        "    print('fed')\n    while True: pass\n"
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"fed\r\n")
        assert b"task_wdt" in terminal.read_until(b"bitten\r\n")


def test_an_interpreter_that_dies_is_a_panic_and_a_reboot(new_board: NewBoard) -> None:
    board = new_board(
        "import machine, uctypes\n"
        "if machine.reset_cause() == 1: uctypes.bytearray_at(0, 4)[0] = 1\n"
        "print('again', machine.reset_cause())\n"
    )
    with Terminal(board.port) as terminal:
        assert b"Guru Meditation Error: Core  0 panic'ed (SIGSEGV)" in terminal.read_until(b"again 2\r\n")
    assert board.counters.crashes == 1


def test_the_firmware_has_the_heap_it_was_given(new_board: NewBoard) -> None:
    board = new_board(heap_octets=60_000)
    with raw_repl(board) as repl:
        free = int(repl.execute("import gc; gc.collect(); print(gc.mem_free())"))
    assert 58_000 <= free <= 62_000


def test_default_heap_is_that_of_a_plain_esp32(new_board: NewBoard) -> None:
    with raw_repl(new_board()) as repl:
        free = int(repl.execute("import gc; gc.collect(); print(gc.mem_free())"))
    assert abs(free - HEAP_OCTETS) < 2500


def test_accesses_tell_when_a_chip_was_read(new_board: NewBoard) -> None:
    board = new_board()
    with raw_repl(board) as repl:
        repl.execute(
            "from machine import *\nI2C(0, scl=Pin(22), sda=Pin(21)).readfrom_mem(0x76, 0xd0, 1)\n"
            "p = Pin(18, Pin.OUT)\np(1); p(0); p(1); p(0); Pin(19).value()\n"
        )
    chip, pins = board.accesses
    assert isinstance(chip, ChipAccess)
    assert (chip.chip, chip.written, chip.read) == ("BME280Chip", b"\xd0", b"\x60")
    assert pins.chip == "HX711Chip"
    assert 0 <= pins.boottime_ns - chip.boottime_ns < 2_000_000_000


def test_one_reading_of_a_clocked_chip_is_one_access(new_board: NewBoard) -> None:
    board = new_board()
    with raw_repl(board) as repl:
        repl.execute(
            "import time\nfrom machine import Pin\np = Pin(18, Pin.OUT)\n"
            "for _ in range(3):\n    for n in range(25): p(1); p(0); time.sleep_ms(n == 12 and 3)\n"
            "    time.sleep_ms(20)\n"
        )
    assert [access.chip for access in board.accesses] == ["HX711Chip"] * 3
