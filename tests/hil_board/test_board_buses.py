"""SPI, 1-wire, analog inputs, timers, buttons and supplies of the emulated board."""

from hil_tests.board import Board, OneWireChip
from tests.hil_board.conftest import NewBoard
from tests.hil_board.terminal import Terminal, raw_repl

SPI = (
    "from machine import Pin, SPI, SoftSPI\n"
    "cs = Pin(15, Pin.OUT, value=1)\nspi = SPI(1, baudrate=1000000, polarity=0, phase=1)\n"
)
OW = "from machine import Pin\nimport onewire\now = onewire.OneWire(Pin(4))\n"


def run(board: Board, source: str) -> str:
    with raw_repl(board) as repl:
        return repl.execute(source)


class Shift:
    """An SPI chip of mode 1 that gives back, each time, what it got last."""

    mode = 1

    def __init__(self) -> None:
        self.heard: list[bytes | str] = []

    def select(self) -> None:
        self.heard.append("select")

    def transfer(self, data: bytes) -> bytes:
        self.heard.append(data)
        return bytes(octet ^ 0x0F for octet in data)

    def deselect(self) -> None:
        self.heard.append("deselect")

    def brown_out(self) -> None:
        self.heard.append("brown_out")


class Rom:
    """As much of a 1-wire chip as a search and a scratchpad need; `rom` as an integer, lowest bit first."""

    def __init__(self, rom: int) -> None:
        self.rom = rom
        self.bits: list[int] = []
        self.command = -1
        self.at = 0
        self.turn = 0

    def reset(self) -> bool:
        self.bits, self.command, self.at, self.turn = [], -1, 0, 0
        return True

    def write(self, bit: int) -> None:
        if self.command == 0xF0:
            self.turn = 0
            self.command = 0xF0 if self.rom >> self.at & 1 == bit else -2
            self.at += 1
            return
        self.bits.append(bit)
        if len(self.bits) == 8 and self.command == -1:
            self.command = sum(value << at for at, value in enumerate(self.bits))

    def read(self) -> int:
        if self.command == 0xF0:
            self.turn += 1
            return self.rom >> self.at & 1 if self.turn == 1 else ~self.rom >> self.at & 1
        if self.command == 0x33:  # read ROM
            self.at += 1
            return self.rom >> self.at - 1 & 1
        return 1

    def brown_out(self) -> None:
        self.reset()


def test_an_spi_chip_hears_what_is_sent_while_it_is_selected(new_board: NewBoard) -> None:
    chip = Shift()
    said = run(
        new_board(spi_chips={15: chip}),
        SPI + "spi.write(b'lost')\ncs(0)\nspi.write(b'\\x06')\nb = bytearray(3)\n"
        "spi.write_readinto(b'\\x20\\x21\\x22', b)\ncs(1)\nprint(b)\n"
        "print(spi.read(2))\ncs(0)\nprint(spi.read(2, 0xf0))\nspi.readinto(b, 0xaa)\ncs(1)\nprint(b)\n",
    )
    assert said == "bytearray(b'/.-')\nb'\\xff\\xff'\nb'\\xff\\xff'\nbytearray(b'\\xa5\\xa5\\xa5')\n"
    assert chip.heard == [
        *("select", b"\x06", b' !"', "deselect"),
        *("select", b"\xf0\xf0", b"\xaa\xaa\xaa", "deselect"),
    ]


def test_a_bus_of_another_mode_or_other_pins_says_nothing_to_the_chip(new_board: NewBoard) -> None:
    chip = Shift()
    said = run(
        new_board(spi_chips={15: chip}),
        SPI + "cs(0)\nspi.init(polarity=1, phase=1)\nprint(spi.read(2))\n"
        "print(SPI(2, 1000, phase=1).read(1))\n"
        "print(SoftSPI(phase=1, sck=Pin(14), mosi=Pin(13), miso=Pin(12)).read(1))\n"
        "try: spi.write_readinto(b'12', bytearray(3))\nexcept ValueError as error: print(error)\n",
    )
    assert said == "b'\\xff\\xff'\nb'\\xff'\nb'\\x0f'\nbuffers must be the same length\n"
    assert chip.heard == ["select", b"\0"]


def test_a_reset_of_the_board_deselects_its_chips(new_board: NewBoard) -> None:
    chip = Shift()
    board = new_board(spi_chips={15: chip})
    run(board, SPI + "cs(0)\nspi.write(b'1')")
    board.reset()
    board.wait_listening()
    assert chip.heard == ["select", b"1", "deselect"]


def test_an_hx711_is_clocked_by_spi(new_board: NewBoard) -> None:
    # MOSI is its clock: 1010... are pulses, of which 25 are a reading at gain 128.
    board = new_board(
        "import time\nfrom machine import Pin, SPI\nready = Pin(19, Pin.IN)\n"
        "spi = SPI(2, mosi=Pin(18), miso=Pin(19), sck=Pin(5))\n"
        "for n in range(6):\n    while ready.value(): time.sleep_ms(1)\n    b = bytearray(7)\n"
        "    spi.write_readinto(b'\\xaa' * 6 + b'\\x80', b)\n    code = 0\n"
        "    for octet in b[:6]:\n        for bit in (6, 4, 2, 0): code = code << 1 | octet >> bit & 1\n"
        "    code -= code >> 23 << 24\nprint('code', code)\n"
    )
    board.load.kilograms = 5.0
    with Terminal(board.port) as terminal:
        terminal.read_until(b"code ")
        code = int(terminal.read_until(b"\r\n"))
    expected = board.hx711.zero + 5 * board.hx711.counts_per_kg
    assert abs(code - expected) < 400
    assert len(board.accesses) == 6


def test_one_wire_chips_are_found_and_read(new_board: NewBoard) -> None:
    roms = [0x1122334455667728, 0x0122334455667728, 0x8122334455667710]
    chips: list[OneWireChip] = [Rom(rom) for rom in roms]
    said = run(
        new_board(one_wire_chips=chips),
        OW + "print(sorted([int.from_bytes(rom, 'little') for rom in ow.scan()]))\n"
        "import _onewire\nprint(ow.crc8(b'\\x02\\x1c\\xb8\\x01\\0\\0\\0'), ow.reset(True))\n"
        "import ds18x20\nprint(len(ds18x20.DS18X20(ow).scan()))\n"
        "ow = onewire.OneWire(Pin(5))\nprint(ow.reset(), ow.scan())\n"
        "try: ow.reset(True)\nexcept onewire.OneWireError: print('nobody')\n",
    )
    assert said == f"{sorted(roms)}\n162 True\n3\nFalse []\nnobody\n"


def test_one_wire_chips_that_talk_together_pull_the_bus_low(new_board: NewBoard) -> None:
    chips: list[OneWireChip] = [Rom(0x0F), Rom(0x3C)]
    said = run(
        new_board(one_wire_chips=chips),
        OW + "ow.reset()\now.write(b'\\x33')\nprint(ow.readbyte(), ow.readbit())",
    )
    assert said == "12 0\n"


def test_frozen_modules_hide_nothing_of_the_firmwares_own(new_board: NewBoard) -> None:
    board = new_board(files={"/link.py": b"MINE = 5\n", "/shim.py": b"MINE = 6\n"})
    said = run(
        board,
        "import onewire\ntry: onewire.nothing\nexcept AttributeError: print('none')\n"
        "import link, shim, os\nprint(link.MINE, shim.MINE, os.listdir(), onewire.OneWire.SKIP_ROM)",
    )
    assert said == "none\n5 6 ['link.py', 'shim.py'] 204\n"


def test_an_adc_measures_what_its_pin_is_at(new_board: NewBoard) -> None:
    board = new_board()
    board.set_microvolts(34, 500_000)
    said = run(
        board,
        "from machine import ADC, Pin\na = ADC(Pin(34))\nprint(a.read_uv(), a.read(), a.read_u16() >> 4)\n"
        "a = ADC(34, atten=ADC.ATTN_11DB)\nprint(a.read_uv() // 10000, a.read())\nprint(ADC(35).read_uv())\n"
        "try: ADC(Pin(21))\nexcept ValueError as error: print(error)\n",
    )
    assert said == "499000 1861 1861\n49 620\n0\ninvalid pin\n"
    board.set_microvolts(34, 2_000_000)
    assert run(board, "from machine import ADC\nprint(ADC(34).read_uv())") == "1100000\n"


def test_the_chip_knows_its_own_temperature(new_board: NewBoard) -> None:
    board = new_board()
    source = "import esp32\nprint(esp32.raw_temperature(), esp32.mcu_temperature())"
    assert run(board, source) == "127 53\n"
    board.set_chip_celsius(-10)
    assert run(board, source) == "14 -10\n"


def test_an_nvs_key_has_fifteen_characters_at_most(new_board: NewBoard) -> None:
    source = (
        "from esp32 import NVS\nn = NVS('fieldgate')\nn.set_i32('k' * 15, 1)\n"
        "for make in (lambda: n.set_i32('k' * 16, 1), lambda: NVS('s' * 16)):\n"
        "    try: make()\n    except OSError as error: print(error.errno)\n"
    )
    assert run(new_board(), source) == "-4361\n-4361\n"


def test_timers_run_once_and_for_ever(new_board: NewBoard) -> None:
    board = new_board(
        "import time\nfrom machine import Timer\n"
        "once = Timer(0, mode=Timer.ONE_SHOT, period=30, callback=lambda t: print('once'))\n"
        "n = 0\ndef tick(timer):\n    global n\n    n += 1\n    print('tick', n)\n"
        "    if n == 4: timer.deinit(); print('end')\n"
        "again = Timer(-1)\nagain.init(freq=40, callback=tick)\ntime.sleep(30)\n"
    )
    with Terminal(board.port) as terminal:
        said = terminal.read_until(b"end\r\n").decode()
        terminal.write(b"\x03")
        said += terminal.read_until(b">>> ").decode()
    assert said.count("once") == 1
    assert said.count("tick") == 4


def test_a_button_overrides_a_pull_up_until_it_is_let_go(new_board: NewBoard) -> None:
    board = new_board(
        "import time\nfrom machine import Pin\nb = Pin(0, Pin.IN, Pin.PULL_UP)\n"
        "b.irq(lambda pin: print('now', pin()))\nprint('idle', b())\ntime.sleep(100)"
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"idle 1\r\n")
        board.wait_listening()
        for level, shown in ((0, 0), (None, 1), (0, 0)):
            board.drive(0, level)
            terminal.read_until(b"now %d\r\n" % shown)


def test_a_chips_own_output_interrupts(new_board: NewBoard) -> None:
    level = [1]
    board = new_board(
        "import time\nfrom machine import Pin\nd = Pin(27, Pin.IN)\n"
        "d.irq(lambda pin: print('ready', pin()), Pin.IRQ_FALLING)\nprint('up')\ntime.sleep(100)",
        outputs={27: lambda: level[0]},
    )
    with Terminal(board.port) as terminal:
        terminal.read_until(b"up\r\n")
        level[0] = 0
        terminal.read_until(b"ready 0\r\n")


def test_a_chip_without_supply_is_silent_and_begins_anew(new_board: NewBoard) -> None:
    spi, wire = Shift(), Rom(0x28)
    board = new_board(spi_chips={15: spi}, one_wire_chips=[wire])
    look = (
        SPI + OW + "from machine import I2C\nbus = I2C(0, scl=Pin(22), sda=Pin(21))\n"
        "cs(0)\nprint(bus.scan(), spi.read(1), ow.reset(), Pin(19).value())\ncs(1)\n"
    )
    for chip in (board.bme280, spi, wire, board.hx711):
        board.cut_supply(chip)
    assert run(board, look) == "[] b'\\xff' False 1\n"
    assert spi.heard == []
    for chip in (board.bme280, spi, wire, board.hx711):
        board.restore_supply(chip)
    assert run(board, look).startswith("[118] b'\\x0f' True ")
    assert spi.heard == ["brown_out", "select", b"\0", "deselect"]


def test_the_late_modules_cost_nothing_until_they_are_used(new_board: NewBoard) -> None:
    board = new_board()
    free = "import gc, sys\ngc.collect()\na = gc.mem_free()\n"
    spent = int(run(board, free + "import onewire, ds18x20\ngc.collect()\nprint(a - gc.mem_free())"))
    used = int(run(board, free + "import onewire\nonewire.OneWire\ngc.collect()\nprint(a - gc.mem_free())"))
    assert spent < 200 < used
