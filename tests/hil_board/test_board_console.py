"""The emulated board's console: octets, Ctrl-C, and a cable that nobody reads or somebody pulls."""

from pathlib import Path
from time import sleep

import pytest

from hil_tests.board.console import RING_OCTETS
from hil_tests.board.line import STALL_S
from tests.hil_board.conftest import NewBoard
from tests.hil_board.terminal import Terminal, raw_repl, wait_for

FOREVER = {
    "sleeping": "import time\nprint('up')\nwhile True: time.sleep(100)",
    "asyncio": "import asyncio\nasync def main():\n    print('up')\n    await asyncio.sleep(100)\n"
    "asyncio.run(main())",
    "reading": "import sys\nprint('up')\nwhile True: sys.stdin.buffer.read(1)",
    "polling": "import sys, select\np = select.poll(); p.register(sys.stdin)\nprint('up')\n"
    "while True: p.poll(-1)",
    "writing": "import sys\nprint('up')\nwhile True: sys.stdout.buffer.write(b'~')",
    "measuring": "from machine import *\np = Pin(19)\nprint('up')\nwhile True: p.value()",
}


def test_print_is_cooked_and_buffer_is_raw_in_their_order(new_board: NewBoard) -> None:
    board = new_board(
        "import sys\nfor n in range(200):\n    print('line', n)\n"
        "    sys.stdout.buffer.write(b'\\x00\\n\\xff')\n"
        "    sys.stdout.write('t\\n')\nprint('end')"
    )
    with Terminal(board.port) as terminal:
        said = terminal.read_until(b"end\r\n")
    assert said.endswith(b"".join(b"line %d\r\n\x00\n\xfft\r\n" % n for n in range(200)) + b"end\r\n")


def test_stdin_gives_every_octet_and_holds_no_more_than_its_ring(new_board: NewBoard) -> None:
    board = new_board(
        "import sys, select, time, micropython\nmicropython.kbd_intr(-1)\n"
        "print('up')\np = select.poll(); p.register(sys.stdin, select.POLLIN)\np.poll()\ntime.sleep_ms(300)\n"
        "got = b''\nwhile p.poll(200): got += sys.stdin.buffer.read(1)\n"
        "print(len(got), got == bytes(range(256)) + bytes(4))"
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"up\r\n")
        terminal.write(bytes(range(256)) + bytes(44))
        terminal.read_until(f"{RING_OCTETS} True\r\n".encode())
    assert board.counters.dropped_down == 40


def test_asyncio_streams_read_the_console(new_board: NewBoard) -> None:
    board = new_board(
        "import sys, asyncio\n"
        "async def main():\n    r = asyncio.StreamReader(sys.stdin.buffer)\n    print('up')\n"
        "    while True:\n        o = await r.read(1)\n        sys.stdout.buffer.write(bytes([o[0] ^ 1]))\n"
        "async def tick():\n    while True:\n        await asyncio.sleep_ms(5)\n"
        "asyncio.run(asyncio.gather(main(), tick()))"
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"up\r\n")
        for n in range(10, 110):
            terminal.write(bytes([n]))
            assert terminal.read_until(bytes([n ^ 1])) == bytes([n ^ 1])


@pytest.mark.parametrize("what", FOREVER)
def test_ctrl_c_ends_a_program_that_is(what: str, new_board: NewBoard) -> None:
    board = new_board(FOREVER[what])
    with Terminal(board.port) as terminal:
        terminal.read_until(b"up\r\n")
        terminal.write(b"\x03")
        said = terminal.read_until(b">>> ")
    assert b"KeyboardInterrupt: \r\nMicroPython v1.25.0" in said
    assert board.counters.interrupts == 1
    assert board.counters.killed_by_interrupt == 0


def test_ctrl_c_ends_a_program_that_never_looks_up(new_board: NewBoard) -> None:
    board = new_board("print('up')\nwhile True: pass")
    with Terminal(board.port) as terminal:
        terminal.read_until(b"up\r\n")
        terminal.write(b"\x03\r\x01")
        said = terminal.read_until(b"raw REPL; CTRL-B to exit\r\n>")
        assert b"KeyboardInterrupt" in said
        assert terminal.execute("print(6 * 7)") == "42\n"
    assert board.counters.killed_by_interrupt == 1
    assert board.counters.boots == {"power_on": 1}


def test_a_program_may_catch_ctrl_c_and_go_on(new_board: NewBoard) -> None:
    board = new_board(
        "import sys, time\nprint('up')\ntry:\n    time.sleep(100)\nexcept KeyboardInterrupt:\n"
        "    print('caught')\n"
        "print('typed', sys.stdin.buffer.read(3))"
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"up\r\n")
        terminal.write(b"\x03abc")
        terminal.read_until(b"caught\r\ntyped b'abc'\r\n")


def test_ctrl_c_is_an_octet_like_any_while_it_is_disarmed(new_board: NewBoard) -> None:
    board = new_board(
        "import sys, micropython\nmicropython.kbd_intr(-1)\nprint('up')\nprint(sys.stdin.buffer.read(2))\n"
        "micropython.kbd_intr(3)\nprint('armed')\nsys.stdin.buffer.read(1)"
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"up\r\n")
        terminal.write(b"\x03\x04")
        terminal.read_until(b"b'\\x03\\x04'\r\narmed\r\n")
        terminal.write(b"\x03")
        terminal.read_until(b"KeyboardInterrupt: \r\n")


def test_frames_in_both_directions_do_not_keep_ctrl_c_out(new_board: NewBoard) -> None:
    board = new_board(
        "import sys, asyncio\n"
        "async def up():\n    n = 0\n    while True:\n        n += 1\n"
        "        sys.stdout.buffer.write(b'\\x7e' + bytes(range(128, 256)) + b'\\x7e')\n"
        "        await asyncio.sleep_ms(1)\n"
        "async def down():\n    r = asyncio.StreamReader(sys.stdin.buffer)\n    while True:\n"
        "        if await r.read(1) == b'\\x7e': sys.stdout.buffer.write(b'taken')\n"
        "asyncio.run(asyncio.gather(up(), down()))"
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"\x7e\x7e\x80")
        for _ in range(20):
            terminal.write(bytes(range(128, 228)) + b"\x7e")
            terminal.read_until(b"taken")  # a ring that is full loses what stops the program
        terminal.stop_program()
        assert terminal.execute("print('in')") == "in\n"


def test_a_board_that_nobody_hears_runs_on_and_drops(new_board: NewBoard) -> None:
    board = new_board(
        "import sys, machine\nfor n in range(3000):\n    sys.stdout.buffer.write(b'~' * 100)\n"
        "print('x' * 20000)\nmachine.Pin(2).value(1)\nwhile True: sys.stdin.buffer.read(1)"
    )
    with Terminal(board.port) as terminal:  # open, so that no one else has it, but not read
        wait_for(lambda: board.level(2) == 1)
        assert board.counters.dropped_up > 200_000
        assert b"~~~" in terminal.read_for(0.2)
        terminal.write(b"\x03")
        terminal.read_until(b"KeyboardInterrupt: \r\n")


def test_a_reader_that_pauses_loses_nothing(new_board: NewBoard) -> None:
    board = new_board("for n in range(30000): print(n)\nprint('end')")
    heard = b""
    with Terminal(board.port) as terminal:
        terminal.read_until(b"\r\n9\r\n")
        sleep(STALL_S / 2)
        while not heard.endswith(b">>> "):
            heard += terminal.read_for(0.05)
    assert heard.startswith(b"".join(b"%d\r\n" % n for n in range(10, 30000)) + b"end\r\n")
    assert board.counters.dropped_up == 0


def test_pulling_the_cable_hangs_up_and_the_board_runs_on(new_board: NewBoard) -> None:
    board = new_board(
        "import time\nn = 0\nwhile True:\n    n += 1\n    print('n', n)\n    time.sleep_ms(10)\n"
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"n 3\r\n")
        board.unplug()
        assert terminal.is_hung_up()
        wait_for(lambda: board.counters.dropped_up > 0)
        board.plug()
        with Terminal(board.port) as again:
            again.read_until(b"\nn ")
            assert int(again.read_until(b"\r\n")) > 3
    assert board.counters.boots == {"power_on": 1}


def test_capture_sees_the_octets_of_both_directions(new_board: NewBoard) -> None:
    board = new_board()
    seen: dict[str, bytes] = {"up": b"", "down": b""}
    times: list[int] = []

    def capture(direction: str, octets: bytes, boottime_ns: int) -> None:
        seen[direction] += octets
        times.append(boottime_ns)

    board.on_octets(capture)
    with raw_repl(board) as repl:
        repl.execute("print('seen')")
    board.on_octets(None)
    assert seen["down"] == b"\r\x03\r\x01print('seen')\x04"
    assert b"OKseen\r\n\x04\x04>" in seen["up"]
    assert times == sorted(times)


def test_input_reads_a_line_with_echo(new_board: NewBoard) -> None:
    board = new_board("print(repr(input('name? ')))")
    with Terminal(board.port) as terminal:
        terminal.read_until(b"name? ")
        terminal.write(b"ab\x7fc\r")
        terminal.read_until(b"ab\b \bc\r\n'ac'\r\n")


def test_a_console_with_a_baud_rate_holds_the_writer_up(new_board: NewBoard) -> None:
    board = new_board(
        "import sys, time\nt = time.ticks_ms()\n"
        "for _ in range(4): sys.stdout.buffer.write(b'~' * 576)\n"
        "print('took', time.ticks_diff(time.ticks_ms(), t))",
        console_baud=115200,
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"took ")
        assert int(terminal.read_until(b"\r\n")) >= (2304 - 128) * 10 * 1000 // 115200 - 1


def test_the_link_leads_to_the_port_while_the_cable_is_in(new_board: NewBoard, tmp_path: Path) -> None:
    link = tmp_path / "ttyUSB0"
    board = new_board("while True: print(input())", link=link)
    assert link.readlink() == Path(board.port)
    board.unplug()
    assert not link.is_symlink()
    board.plug(link=tmp_path / "ttyUSB1")
    assert (tmp_path / "ttyUSB1").readlink() == Path(board.port)
    board.stop()
    assert not [path for path in tmp_path.iterdir() if path.is_symlink()]
