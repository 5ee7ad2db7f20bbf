"""Boards whose clock runs as fast as the work is done."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hil_tests.board import Board, VirtualTime
from hil_tests.chips import HX711Chip, Load
from hil_tests.session_gateway import SessionGateway
from provisioning.application import build
from wire import up

WRAP = 1 << 30
AIR, LOAD = 0, 1  # the default settings' groups: 10 scans a block each, one and ten a second


class Scene:
    """Boards on one virtual clock, and all that they say, with its microsecond."""

    def __init__(self, directory: Path, boards: ExitStack, seed: int) -> None:
        self.time = VirtualTime(seed=seed)
        self.said: dict[str, bytearray] = {}
        self.trace = hashlib.sha256()
        self._directory = directory
        self._boards = boards

    def board(self, main: str = "", files: dict[str, bytes] | None = None, **of_board: Any) -> Board:
        name = f"b{len(self.said)}"
        said = self.said[name] = bytearray()
        board = Board(self._directory / name, name=name, time=self.time, **of_board)
        self._boards.callback(board.close)

        def hear(way: str, octets: bytes, at_ns: int) -> None:
            self.trace.update(f"{name} {way} {at_ns} ".encode() + octets)
            if way == "up":
                said.extend(octets)

        board.on_octets(hear)
        board.install({**(files or {}), **({"/main.py": main.encode()} if main else {})})
        board.start()
        return board

    def run_to(self, ending: str, seconds: float = 60.0, name: str = "b0") -> str:
        """Until a board has said this; what it said since the boot ROM's text."""
        self.time.run_until(lambda: ending.encode() in self.said[name], seconds)
        return self.said[name].decode().replace("\r\n", "\n").rpartition("entry 0x400805c0\n")[2]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as boards:
        yield Scene(tmp_path, boards, seed=1)


def node(directory: Path, seed: int, seconds: float, **of_board: Any) -> tuple[SessionGateway, str]:
    """A node with the default settings, for so long; its gateway, and a hash of all that was said when."""
    with ExitStack() as boards:
        scene = Scene(directory, boards, seed)
        board = Board(directory / "node", time=scene.time, **of_board)
        boards.callback(board.close)
        board.install(build().files)
        gateway = SessionGateway(
            board, scene.time, on_octets=lambda *said: scene.trace.update(repr(said).encode())
        )
        board.start()
        scene.time.run_for(seconds)
        return gateway, scene.trace.hexdigest()


def blocks(gateway: SessionGateway, group: int) -> list[up.Block]:
    return [record for record in gateway.records if isinstance(record, up.Block) and record.group == group]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("first_ticks_us", [0, WRAP - 60_000_000, WRAP * 1000 - 60_000_000])
def test_a_node_lives_on_over_every_wrap_of_its_ticks(first_ticks_us: int, tmp_path: Path) -> None:
    gateway, _ = node(tmp_path, 1, 180.0, first_ticks_us=first_ticks_us)
    assert len(gateway.hellos) <= 2
    air, load = blocks(gateway, AIR), blocks(gateway, LOAD)
    assert (len(air), len(load)) == (18, 180)
    assert [record.seq for record in gateway.records] == list(range(len(gateway.records)))
    starts = [block.t_first for block in air[1:]]  # in the first one a chip was opened, which breaks the pace
    assert all(abs(b - a - 10_000_000) < 20_000 for a, b in pairwise(starts))
    assert gateway.refused == 0


@pytest.mark.timeout(60)
def test_the_same_seed_gives_the_same_life_to_the_microsecond(tmp_path: Path) -> None:
    lives = [node(tmp_path / str(n), seed, 20.0)[1] for n, seed in enumerate((5, 5, 6))]
    assert lives[0] == lives[1]
    assert lives[0] != lives[2]


def test_sleep_and_poll_take_their_time_and_no_other(scene: Scene) -> None:
    scene.board(
        "import time, select, sys\nt = time.ticks_ms()\ntime.sleep(3600)\n"
        "print('slept', time.ticks_diff(time.ticks_ms(), t), time.time())\n"
        "p = select.poll()\np.register(sys.stdin, select.POLLIN)\nt = time.ticks_ms()\nprint(p.poll(90000))\n"
        "print('polled', time.ticks_diff(time.ticks_ms(), t), time.gmtime()[:6])\n"
        "t = time.ticks_us()\nwhile time.ticks_diff(time.ticks_us(), t) < 500000: pass\n"
        "print('looked', time.time())"
    )
    said = scene.run_to(">>> ", 4000)
    assert said.startswith("slept 3600000 3600\n[]\npolled 90000 (2000, 1, 1, 1, 1, 30)\nlooked 3690\n")
    assert 3690.4 < scene.time.seconds < 3691


def test_ticks_start_where_they_are_told_and_wrap(scene: Scene) -> None:
    scene.board(
        "import time\na = time.ticks_ms()\nb = time.ticks_us()\ntime.sleep(3)\n"
        "print(a, b, time.ticks_ms(), time.ticks_diff(time.ticks_ms(), a) // 10)",
        first_ticks_us=WRAP * 1000 - 2_000_000,
    )
    a, b, after, passed = scene.run_to(">>> ").split("\n")[0].split()
    assert (int(a), int(after), int(passed)) == (WRAP - 2000, 1000, 300)
    assert int(b) == pytest.approx(WRAP * 1000 % WRAP - 2_000_000 + WRAP, abs=100)


def test_what_is_typed_and_what_a_pin_does_ends_a_wait(scene: Scene) -> None:
    board = scene.board(
        "import sys, time\nfrom machine import Pin\n"
        "Pin(0).irq(lambda p: print('edge', time.ticks_ms() // 100))\n"
        "c = sys.stdin.read(1)\nprint('got', c, time.ticks_ms() // 100)\ntime.sleep(100)\n"
    )
    scene.time.after(1.5, lambda: board.type(b"x"))
    scene.time.after(2.5, lambda: board.drive(0, 1))
    scene.time.after(3.5, lambda: board.type(b"\x03"))
    said = scene.run_to(">>> ")
    assert "got x 15\nedge 25\n" in said
    assert "KeyboardInterrupt" in said
    assert scene.time.seconds < 4


def test_of_two_things_at_one_moment_neither_waits(scene: Scene) -> None:
    board = scene.board(
        "import sys, time\nfrom machine import Pin\n"
        "Pin(0).irq(lambda p: print('edge', time.ticks_ms() // 100))\n"
        "print('got', sys.stdin.read(1), time.ticks_ms() // 100)\ntime.sleep(100)\n"
    )

    def both() -> None:
        board.type(b"x")
        board.drive(0, 1)

    scene.time.after(1.5, both)
    scene.time.run_for(2)
    assert scene.said["b0"].endswith(b"edge 15\r\ngot x 15\r\n")


def test_an_answer_that_comes_at_once_is_not_missed(scene: Scene) -> None:
    board = scene.board(
        "import sys, select, time\np = select.poll()\np.register(sys.stdin, select.POLLIN)\n"
        "for n in range(5):\n    p.poll(100)\n    sys.stdout.buffer.write(b'ask')\n"
        "    print(p.poll(5000)[0][1], sys.stdin.read(1), time.ticks_ms() // 100)\nprint('over')\n"
    )

    def answer(way: str, octets: bytes, _at_ns: int) -> None:
        if way == "up":
            scene.said["b0"].extend(octets)
            if octets == b"ask":
                board.type(b"!")

    board.on_octets(answer)
    said = scene.run_to("over")
    assert [line[-5:] for line in said.split("\n")[:5]] == [f"1 ! {n}" for n in range(1, 6)]


def test_deep_sleep_and_its_watchdog_are_on_the_same_clock(scene: Scene) -> None:
    board = scene.board(
        "import machine, time\nprint('cause', machine.reset_cause())\n"
        "if machine.reset_cause() == 1: machine.deepsleep(7200000)\n"
        "if machine.reset_cause() == 4:\n    w = machine.WDT(timeout=5000)\n    for _ in range(3):\n"
        "        time.sleep(4)\n        w.feed()\n    time.sleep(100)\n"
    )
    scene.run_to("cause 3", 8000)
    assert scene.time.seconds == pytest.approx(7200 + 12 + 5, abs=0.01)
    assert board.counters.boots == {"power_on": 1, "deep_sleep": 1, "watchdog": 1}


@pytest.mark.timeout(60)
def test_a_program_that_never_looks_up_is_bitten_by_the_watchdog(scene: Scene) -> None:
    scene.board(
        "import machine\nprint('cause', machine.reset_cause())\n"
        "if machine.reset_cause() == 1:\n    machine.WDT(timeout=30000)\n    while True: pass\n"
    )
    scene.run_to("cause 3")
    assert scene.time.seconds == pytest.approx(30, abs=0.01)


@pytest.mark.parametrize("ppm", [-20_000, 35, 50_000])
def test_a_crystal_that_is_off_is_off_by_that_much(ppm: int, scene: Scene) -> None:
    scene.board("import time\ntime.sleep(10000)\nprint('over')", drift_ppm=ppm)
    scene.run_to("over", 20_000)
    assert scene.time.seconds == pytest.approx(10_000 / (1 + ppm / 1e6), abs=0.01)


def test_boards_share_one_clock(scene: Scene) -> None:
    source = (
        "import time\nfor n in range(3):\n    time.sleep_ms({0})\n    print('{0}', time.ticks_ms() // 10)\n"
    )
    for ms in (300, 70, 1100):
        scene.board(source.format(ms))
    scene.time.run_for(5)
    told = [bytes(said).decode().split(")\r\n")[-1] for said in scene.said.values()]
    assert "300 30\r\n300 60\r\n300 90\r\n" in told[0]
    assert "70 7\r\n70 14\r\n70 21\r\n" in told[1]
    assert "1100 110\r\n1100 220\r\n1100 330\r\n" in told[2]


def test_a_program_may_print_more_than_its_pipe_holds(scene: Scene) -> None:
    scene.board("for n in range(3000): print('line', n, '.' * 60)\nprint('end')")
    assert scene.run_to(">>> ").count("line ") == 3000


def test_random_octets_come_from_the_seed_and_differ_by_boot(tmp_path: Path) -> None:
    drawn = []
    for number, seed in enumerate((1, 1, 2)):
        with ExitStack() as boards:
            scene = Scene(tmp_path / str(number), boards, seed)
            board = scene.board("import os, random\nprint('=', os.urandom(8).hex(), random.getrandbits(30))")
            first = scene.run_to(">>> ").split()[1:3]
            scene.said["b0"].clear()
            board.reset()
            drawn.append((first, scene.run_to(">>> ").split()[1:3]))
    assert drawn[0] == drawn[1]
    for source in (0, 1):  # os.urandom, random
        assert drawn[0][0][source] != drawn[0][1][source]
        assert drawn[0][0][source] != drawn[2][0][source]


def test_a_clocked_chip_is_read_as_it_is_bit_by_bit(scene: Scene) -> None:
    # Ahead of the clock, and with a pulse lost, which nothing can foresee.
    source = (
        "import time\nfrom machine import Pin\nclk = Pin(18, Pin.OUT, value=0)\ndat = Pin(19, Pin.IN)\n"
        "def read():\n    while dat(): pass\n    n = 0\n    for _ in range(24):\n        clk(1); clk(0)\n"
        "        n = n << 1 | dat()\n    clk(1); clk(0)\n    return n, dat()\n"
        "for k in range(8): print('code', *read())\nprint('end')\n"
    )
    board = scene.board(source)
    codes: list[int] = []
    board.hx711.on_sample(lambda _load: codes.append(board.hx711._code or 0))
    said = scene.run_to("end")
    read = [tuple(map(int, line.split()[1:])) for line in said.split("\n") if line.startswith("code")]
    assert [high for _, high in read] == [1] * 8
    assert [code for code, _ in read] == [codes_seen for codes_seen in codes if codes_seen][: len(read)]
    assert len(board.accesses) == 8


@pytest.mark.parametrize(("wait_us", "is_asleep"), [(40, False), (80, True)])
def test_a_clocked_chip_that_is_read_too_long_falls_asleep(
    wait_us: int, is_asleep: bool, scene: Scene
) -> None:
    # In the middle of a reading that is told ahead.
    board = scene.board(
        "import time\nfrom machine import Pin\nclk = Pin(18, Pin.OUT, value=0)\ndat = Pin(19, Pin.IN)\n"
        "def read(wait_us=0):\n    while dat(): time.sleep_ms(1)\n    n = 0\n    for at in range(25):\n"
        "        clk(1)\n        if wait_us and at == 9: time.sleep_us(wait_us)\n        clk(0)\n"
        "        if at < 24: n = n << 1 | dat()\n    return n\n"
        f"for _ in range(6): right = read()\nbroken = read({wait_us})\n"
        "t = time.ticks_ms()\nnext = read()\nms = time.ticks_diff(time.ticks_ms(), t)\n"
        "print('=', right, broken, next, ms)\n"
    )
    board.hx711.noise = 0
    said = scene.run_to(">>> ")
    right, broken, following, waited_ms = map(int, said.partition("= ")[2].split("\n")[0].split())
    assert (broken != right, following != right) == (is_asleep, is_asleep)
    assert not is_asleep or broken & 0x7FFF == 0x7FFF  # every bit that was still to come
    assert 97 <= waited_ms <= 101


def test_a_data_ready_interrupt_comes_at_the_moment_of_the_conversion(scene: Scene) -> None:
    chip = HX711Chip(Load(), scene.time.monotonic_us, rate_sps=80.0)
    ready: list[int] = []
    chip.on_sample(lambda _load: ready.append(scene.time.monotonic_us()))
    scene.board(
        "import time\nfrom machine import Pin\nclk = Pin(18, Pin.OUT, value=0)\ndat = Pin(19, Pin.IN)\n"
        "stamps = []\ndat.irq(lambda pin: stamps.append(time.ticks_us()), Pin.IRQ_FALLING)\n"
        "while len(stamps) < 100:\n    n = len(stamps)\n    while len(stamps) == n: time.sleep_ms(1)\n"
        "    for _ in range(25): clk(1); clk(0)\nprint('=', *stamps)\n",
        pin_chip=chip,
    )
    stamps = [int(word) for word in scene.run_to(">>> ").partition("= ")[2].split("\n")[0].split()]
    assert len(stamps) == 100
    assert all(abs(b - a - chip.period_us) < 100 for a, b in pairwise(stamps))
    assert len(ready) >= 100
