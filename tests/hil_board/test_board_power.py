"""Faults of supply and wires: brown-out, a stuck bus."""

from tests.hil_board.conftest import NewBoard
from tests.hil_board.terminal import Terminal, raw_repl


def test_a_brown_out_looks_like_power_on_and_garbles_rtc_memory(new_board: NewBoard) -> None:
    board = new_board(
        "import machine\nr = machine.RTC()\nprint('cause', machine.reset_cause(), r.memory().hex())\n"
        "if not r.memory(): r.memory(bytes(200))\nprint('end')"
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"end\r\n")
        board.brown_out()
        said = terminal.read_until(b"end\r\n").decode()
    assert "Brownout detector was triggered" in said
    assert "rst:0xc (SW_CPU_RESET)" in said
    cause, memory = said.partition("cause ")[2].split()[:2]
    octets = bytes.fromhex(memory)
    assert cause == "1"
    assert len(octets) == 200
    assert 100 < octets.count(0) < 200
    assert board.counters.boots == {"power_on": 2}


def test_a_stuck_bus_times_out_until_it_was_clocked_free(new_board: NewBoard) -> None:
    board = new_board()
    board.stick_bus(pulses=14)  # of which the first time-out takes nine
    with raw_repl(board) as repl:
        said = repl.execute(
            "import time\nfrom machine import I2C, Pin\nscl, sda = Pin(22), Pin(21)\n"
            "def ask():\n    t = time.ticks_ms()\n"
            "    try: return I2C(0, scl=scl, sda=sda).readfrom_mem(0x76, 0xd0, 1)\n"
            "    except OSError as error: return error.errno, time.ticks_diff(time.ticks_ms(), t) >= 50\n"
            "print(ask(), sda.init(Pin.OPEN_DRAIN, value=1), sda())\nscl.init(Pin.OPEN_DRAIN, value=1)\n"
            "n = 0\nwhile not sda(): scl(0); scl(1); n += 1\nprint(n, ask())"
        )
    assert said == "(116, True) None 0\n5 b'`'\n"


def test_the_driver_of_the_i2c_unit_clocks_a_stuck_bus_free_and_software_does_not(
    new_board: NewBoard,
) -> None:
    board = new_board()
    ask = (
        "from machine import I2C, Pin, SoftI2C\ndef ask(kind, *bus):\n    try:\n"
        "        return kind(*bus, scl=Pin(22), sda=Pin(21)).readfrom_mem(0x76, 0xd0, 1)\n"
        "    except OSError as error: return error.errno\n"
    )
    with raw_repl(board) as repl:
        board.stick_bus()
        said = repl.execute(f"{ask}print(ask(SoftI2C), ask(SoftI2C), ask(I2C, 0), ask(I2C, 0), ask(SoftI2C))")
    assert said == "116 116 116 b'`' b'`'\n"


def test_a_chip_that_holds_the_bus_lets_go_without_supply(new_board: NewBoard) -> None:
    board = new_board()
    ask = "from machine import I2C, Pin\nprint(I2C(0, scl=Pin(22), sda=Pin(21)).readfrom_mem(0x76, 0xd0, 1))"
    board.stick_bus()
    board.cut_supply(board.bme280)
    board.restore_supply(board.bme280)
    with raw_repl(board) as repl:
        assert repl.execute(ask) == "b'`'\n"
