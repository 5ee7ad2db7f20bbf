"""`machine`, `esp32`, `time` and `os` on the emulated board, as its firmware sees them."""

import time

import pytest

from hil_tests.board import Board, Wiring
from hil_tests.board.emulator import BOOT_PIN
from hil_tests.chips import Nack
from tests.hil_board.conftest import NewBoard
from tests.hil_board.terminal import Terminal, raw_repl, wait_for

BUS = "from machine import Pin, I2C\nbus = I2C(0, scl=Pin(22), sda=Pin(21), freq=100000)\n"


def run(board: Board, source: str) -> str:
    with raw_repl(board) as repl:
        return repl.execute(source)


class Register:
    """A chip that remembers one string of octets."""

    def __init__(self) -> None:
        self.address = 0x40
        self.octets = b""
        self.reads: list[int] = []

    def write(self, data: bytes) -> None:
        if data[:1] == b"\xee":
            raise Nack
        if data[:1] == b"\xdd":
            raise TimeoutError
        self.octets = data

    def read(self, n: int) -> bytes:
        self.reads.append(n)
        return (self.octets + bytes(range(n)))[:n]


def test_i2c_carries_octets_both_ways(new_board: NewBoard) -> None:
    chip = Register()
    said = run(
        new_board(chips=[chip]),
        BUS + "bus.writeto(0x40, b'\\x01\\x02')\nprint(bus.readfrom(0x40, 4))\n"
        "bus.writeto_mem(0x40, 0x0a, bytearray(b'xyz'))\nprint(bus.readfrom_mem(0x40, 0x0b, 3))\n"
        "b = bytearray(5)\nbus.readfrom_mem_into(0x40, 0x1234, b, addrsize=16)\nprint(b)\n"
        "m = memoryview(b)[1:3]\nbus.readfrom_into(0x40, m)\nprint(b, bus.scan())",
    )
    assert said == (
        "b'\\x01\\x02\\x00\\x01'\nb'\\x0b\\x00\\x01'\nbytearray(b'\\x124\\x00\\x01\\x02')\n"
        "bytearray(b'\\x12\\x124\\x01\\x02') [64]\n"
    )


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("bus.readfrom(0x41, 1)", 19),
        ("bus.writeto(0x40, b'\\xee')", 19),
        ("bus.readfrom_mem(0x40, 0xdd, 2)", 116),
        ("I2C(0, scl=Pin(5), sda=Pin(4)).readfrom(0x40, 1)", 19),
    ],
)
def test_a_fault_on_the_bus_is_an_os_error(call: str, number: int, new_board: NewBoard) -> None:
    source = BUS + f"try:\n    {call}\nexcept OSError as error:\n    print(error.errno)\n"
    assert run(new_board(chips=[Register()]), source) == f"{number}\n"


def test_the_default_chips_measure_the_world(new_board: NewBoard) -> None:
    board = new_board()
    assert run(board, BUS + "print(bus.scan(), bus.readfrom_mem(0x76, 0xd0, 1))") == "[118] b'`'\n"
    code = (
        "import time\nfrom machine import Pin\nclk = Pin(18, Pin.OUT, value=0)\ndat = Pin(19, Pin.IN)\n"
        "def read():\n    while dat.value(): time.sleep_ms(1)\n    n = 0\n    for _ in range(24):\n"
        "        clk.value(1); clk.value(0)\n        n = n << 1 | dat.value()\n"
        "    clk.value(1); clk.value(0)\n"
        "    return n - (n >> 23 << 24)\n"
        "for _ in range(6): n = read()\nprint(n)\n"
    )
    empty = int(run(board, code))
    board.load.kilograms = 2.0
    loaded = int(run(board, code))
    assert abs(loaded - empty - 2 * board.hx711.counts_per_kg) < 400


def test_pins_are_seen_and_driven_from_outside(new_board: NewBoard) -> None:
    board = new_board()
    with raw_repl(board) as repl:
        repl.execute("from machine import Pin\nlamp = Pin(2, Pin.OUT)\nlamp.on()\nbutton = Pin(0, Pin.IN)")
        repl.execute("pass")
        assert board.level(2) == 1
        board.drive(0, 1)
        assert repl.execute("lamp.off()\nprint(button.value(), button())") == "1 1\n"
        assert board.level(2) == 0


def test_a_pin_interrupt_calls_its_handler_while_the_program_sleeps(new_board: NewBoard) -> None:
    board = new_board(
        "import time\nfrom machine import Pin\n"
        "Pin(0).irq(lambda pin: print('edge to', pin.value()), Pin.IRQ_RISING | Pin.IRQ_FALLING)\n"
        "print('up')\n"
        "time.sleep(100)"
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"up\r\n")
        for level in (1, 0, 1, 0):
            board.drive(0, level)
            terminal.read_until(b"edge to %d\r\n" % level)


def test_a_chip_on_a_pin_interrupts_when_it_is_ready(new_board: NewBoard) -> None:
    board = new_board(
        "import asyncio\nfrom machine import Pin\nready = asyncio.ThreadSafeFlag()\ndata = Pin(19, Pin.IN)\n"
        "data.irq(lambda pin: ready.set(), Pin.IRQ_FALLING)\n"
        "async def main():\n    print('up')\n    await asyncio.wait_for(ready.wait(), 20)\n"
        "    print('ready', data.value())\nasyncio.run(main())"
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"up\r\n")
        board.hx711.power_cycle()  # its first conversion is to come
        terminal.read_until(b"ready 0\r\n")


def test_uart_has_a_cable_of_its_own_and_its_receive_buffer(new_board: NewBoard) -> None:
    board = new_board(
        "from machine import UART\nimport asyncio, time\nu = UART(1, 9600, tx=17, rx=16, rxbuf=64)\n"
        "async def main():\n    r = asyncio.StreamReader(u)\n    print('up')\n"
        "    print(await r.readexactly(5))\n    u.write(b'\\x00\\n\\xff')\n    print(u.read(), u.any())\n"
        "    while not u.any(): await asyncio.sleep_ms(5)\n    await asyncio.sleep_ms(100)\n"
        "    print(u.any(), u.read(4), len(u.read()))\n"
        "asyncio.run(main())",
        wiring=Wiring(uarts=(1,)),
    )
    with Terminal(board.port) as console, Terminal(board.uart_port(1)) as uart:
        console.read_until(b"up\r\n")
        uart.write(b"12345")
        console.read_until(b"b'12345'\r\n")
        assert uart.read_until(b"\xff") == b"\x00\n\xff"
        console.read_until(b"None 0\r\n")
        uart.write(b"a" * 100)
        console.read_until(b"64 b'aaaa' 60\r\n")


def test_a_uart_without_a_cable_loses_everything(new_board: NewBoard) -> None:
    source = "from machine import UART\nu = UART(2)\nprint(u.write(b'x'), u.read(), u.any())"
    assert run(new_board(), source) == "1 None 0\n"


def test_identity_and_platform_are_those_of_an_esp32(new_board: NewBoard) -> None:
    source = (
        "import sys, os, machine\nprint(sys.platform, os.uname().sysname, machine.unique_id().hex())\n"
        "print(sys.implementation._machine, sys.path, machine.freq())\n"
        "from machine import *\nfrom sys import *\nprint(platform, freq())"
    )
    assert run(new_board(uid=bytes(range(6))), source) == (
        "esp32 esp32 000102030405\nGeneric ESP32 module with ESP32 ['', '.frozen', '/lib'] 160000000\n"
        "esp32 160000000\n"
    )


def test_time_has_the_esp32s_epoch_and_wraps(new_board: NewBoard) -> None:
    said = run(
        new_board(first_ticks_us=(1 << 30) - 20_000),
        "import time, utime\n"
        "print(time.gmtime(0), time.mktime((2000, 1, 2, 0, 0, 0, 0, 0)), type(time.time()))\n"
        "print(time.time() < 100, time.time_ns() < 10**11)\n"
        "a = time.ticks_us()\ntime.sleep_ms(100)\nb = time.ticks_us()\n"
        "print(b < 1 << 29, 100000 <= time.ticks_diff(b, a) < 5000000, time.ticks_add(0, -1))",
    )
    assert said == ("(2000, 1, 1, 0, 0, 0, 5, 1) 86400 <class 'int'>\nTrue True\nTrue True 1073741823\n")


def test_ticks_go_on_over_a_soft_reset(new_board: NewBoard) -> None:
    board = new_board("import time\nprint('ticks', time.ticks_us())\ntime.sleep_ms(300)")
    with Terminal(board.port) as terminal:
        terminal.read_until(b"ticks ")
        first = int(terminal.read_until(b"\r\n"))
        terminal.read_until(b">>> ")
        terminal.write(b"\x04")
        terminal.read_until(b"ticks ")
        second = int(terminal.read_until(b"\r\n"))
        terminal.read_until(b">>> ")
        board.reset()
        terminal.read_until(b"ticks ")
        assert int(terminal.read_until(b"\r\n")) < 290_000 < second - first


@pytest.mark.parametrize("ppm", [-20_000, 0, 50_000])
def test_a_crystal_may_be_off(ppm: int, new_board: NewBoard) -> None:
    board = new_board(
        "import time, sys\nwhile True:\n    sys.stdin.buffer.read(1)\n    print('t', time.ticks_us())",
        drift_ppm=ppm,
    )
    with Terminal(board.port) as terminal:

        def ask() -> tuple[float, int, float]:
            before = time.monotonic() * 1e6
            terminal.write(b"x")
            terminal.read_until(b"t ")
            ticks = int(terminal.read_until(b"\r\n"))
            return before, ticks, time.monotonic() * 1e6

        board.wait_listening()
        before_a, board_a, after_a = ask()
        wait_for(lambda: time.monotonic() * 1e6 > after_a + 500_000)
        before_b, board_b, after_b = ask()
    rate = 1 + ppm / 1e6
    assert (before_b - after_a) * rate - 1 <= board_b - board_a <= (after_b - before_a) * rate + 1


def test_the_rtc_is_set_and_kept_until_the_power_fails(new_board: NewBoard) -> None:
    board = new_board()
    run(board, "from machine import RTC\nRTC().datetime((2026, 3, 4, 2, 5, 6, 7, 8))")
    source = "from machine import RTC\nimport time\nprint(RTC().datetime()[:6], time.gmtime()[:5])"
    with raw_repl(board) as repl:
        repl.write(b"import machine; machine.reset()\x04")
        repl.read_until(b">>> ")
    assert run(board, source) == "(2026, 3, 4, 2, 5, 6) (2026, 3, 4, 5, 6)\n"
    board.power_cut()
    assert run(board, source).startswith("(2000, 1, 1, 5, 0, 0)")


def test_nvs_keeps_what_was_committed(new_board: NewBoard) -> None:
    board = new_board()
    run(
        board,
        "from esp32 import NVS\nn = NVS('node')\nn.set_i32('a', -5)\nn.set_blob('b', b'\\x00\\xff')\n"
        "n.commit()\n"
        "n.set_i32('c', 1)",
    )
    board.power_cut()
    said = run(
        board,
        "from esp32 import NVS\nn = NVS('node')\nb = bytearray(4)\n"
        "print(n.get_i32('a'), n.get_blob('b', b), b)\n"
        "try:\n    n.get_i32('c')\nexcept OSError as e:\n    print(e.errno)",
    )
    assert said == "-5 2 bytearray(b'\\x00\\xff\\x00\\x00')\n-4354\n"


def test_memory_words_are_of_the_process_alone(new_board: NewBoard) -> None:
    source = (
        "import machine, uctypes\nb = bytearray(b'\\x01\\x02\\x03\\x04')\na = uctypes.addressof(b)\n"
        "machine.mem32[a] = machine.mem32[a] + 1\nmachine.mem8[a + 3] = 9\nprint(b, machine.mem16[a])"
    )
    assert run(new_board(), source) == "bytearray(b'\\x02\\x02\\x03\\t') 514\n"


def test_bootloader_mode_lasts_until_the_button(new_board: NewBoard) -> None:
    board = new_board("print('main')")
    with Terminal(board.port) as terminal:
        terminal.read_until(b">>> ")
        terminal.write(b"import machine; machine.bootloader()\r")
        terminal.read_until(b"waiting for download\r\n")
        assert board.pid is None
        board.reset()
        terminal.read_until(b"main\r\n")
    wait_for(lambda: board.counters.boots == {"power_on": 2})


def test_boot_held_while_en_is_pressed_is_the_bootloader_until_en_alone(new_board: NewBoard) -> None:
    board = new_board("print('main')")
    with Terminal(board.port) as terminal:
        terminal.read_until(b">>> ")
        board.drive(BOOT_PIN, 0)
        terminal.write(b"import machine; machine.reset()\r")
        terminal.read_until(b"main\r\n")  # the chip looks at the button when its power comes only
        board.reset()
        terminal.read_until(b"boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))\r\n")
        terminal.read_until(b"waiting for download\r\n")
        assert board.pid is None
        board.drive(BOOT_PIN, None)
        assert board.pid is None
        board.reset()
        terminal.read_until(b"main\r\n")
    assert board.counters.boots == {"power_on": 2, "hard": 1}


def test_the_native_build_behaves_alike(new_board: NewBoard) -> None:
    board = new_board("import time\nprint('native', time.ticks_us() < 1 << 30)", kind="native")
    with Terminal(board.port) as terminal:
        terminal.read_until(b"native True\r\n")
        terminal.read_until(b">>> ")
