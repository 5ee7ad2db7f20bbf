"""The firmware on an emulated ESP32: real chips behind the pins, a real cable, mpremote's way in."""

import json
import time

import pytest

from hil_tests.board import Board, Wiring
from provisioning.application import build
from tests.firmware.cable import Cable
from tests.firmware.virtual_node import virtual_node
from wire import down, up

SETTINGS = {
    "groups": [
        {"name": "air", "sensors": [0], "period_ms": 200, "scans": 2},
        {"name": "load", "sensors": [1], "period_ms": 100, "scans": 4},
    ]
}


@pytest.fixture
def board(tmp_path):
    board = Board(tmp_path / "board")
    board.install({**build().files, "/settings.json": json.dumps(SETTINGS).encode()})
    with board:
        yield board


@pytest.fixture
def cable(board):
    cable = Cable(board.port)
    yield cable
    cable.close()


def test_it_measures_what_its_chips_see(tmp_path):
    with virtual_node(tmp_path, SETTINGS) as node:
        node.time.run_for(5)
        hello = node.gateway.hellos[-1]
        assert hello.uid == node.board.uid
        assert hello.reset == "power_on"
        air = node.blocks(0)[-1]
        assert air.values[0] == pytest.approx(node.board.air.temperature * 100, abs=5)
        assert air.values[2] == pytest.approx(node.board.air.pressure, abs=10)
        load = node.blocks(1)[-1]
        assert not load.exceptions
        assert load.span == pytest.approx(3 * node.board.hx711.period_us, rel=0.02)


def test_time_is_answered_within_milliseconds_while_it_samples(cable):
    cable.meet()
    trips_ms = []
    for number in range(15):
        begun = time.monotonic()
        cable.send(down.Time(number))
        assert cable.wait_for(up.TimeReply).id == number
        trips_ms.append((time.monotonic() - begun) * 1000)
    # A busy machine makes some late; a node that answers only between its scans makes all of them late.
    assert sorted(trips_ms)[len(trips_ms) // 4] < 10


def test_a_power_cut_is_another_boot_and_the_count_goes_on(board, cable):
    first = cable.meet().boot
    board.power_cut()
    again = cable.wait_for(up.Hello).boot
    assert again >> 16 == (first >> 16) + 1


def test_ctrl_c_leads_to_the_repl_and_ctrl_d_back_to_work(cable):
    cable.meet()
    cable.wait_for(up.Log)  # the WELCOME is read, or the REPL would take it for typing
    cable.write(b"\x03")
    cable.wait_for_text(b">>> ")
    cable.write(b"\x04")
    assert cable.wait_for(up.Hello).reset == "soft"


def test_over_a_uart_the_console_stays_free(tmp_path):
    board = Board(tmp_path / "uart", wiring=Wiring(uarts=(2,)))
    wish = {**SETTINGS, "link": {"via": "uart", "uart": {"id": 2}}}
    board.install({**build().files, "/settings.json": json.dumps(wish).encode()})
    with board:
        cable = Cable(board.uart_port(2))
        cable.meet()
        assert next(cable.blocks(0)).values[2] == pytest.approx(board.air.pressure, abs=10)
        cable.send(down.Time(5))
        assert cable.wait_for(up.TimeReply).id == 5
        console = Cable(board.port)
        console.write(b"\x03")
        console.wait_for_text(b"KeyboardInterrupt")
        console.close()
        cable.close()


def test_a_crash_is_kept_and_ctrl_c_breaks_the_pause_before_the_next_start(tmp_path):
    board = Board(tmp_path / "crash")
    files = dict(build().files)
    del files["/a/firmware/queue.mpy"]
    board.install(files)
    with board:
        cable = Cable(board.port)
        cable.wait_for_text(b"ImportError: no module named 'firmware.queue'")
        cable.write(b"\x03")
        cable.wait_for_text(b">>> ")
        cable.close()
    assert b"firmware.queue" in board.read_file("/crash.txt")
