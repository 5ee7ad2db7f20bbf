"""The real command on an emulated board: real MicroPython, real LittleFS, chips on its pins."""

import json
import subprocess
import sys
from binascii import crc32

import pytest
from click.testing import CliRunner

from hil_tests.board import Board
from hil_tests.board.flash import NoSuchFile
from provisioning import application, cli, greeting
from provisioning.step import Step
from tests.provisioning.cuts import NEW_NAME, OLD_VERSION, Bench, old_application

pytestmark = [pytest.mark.hil, pytest.mark.timeout(60)]

QUICK = {"groups": [{"name": "all", "sensors": [0, 1], "period_ms": 100, "scans": 2}]}
VERSION = "0.1.0"
NINE_STARTS_FAILED = b"fg\x09\x00" + crc32(b"fg\x09\x00").to_bytes(4, "big")
CUTS = (
    (Step.INSPECT, 2500),
    (Step.COPY, 1),
    (Step.COPY, 60_000),
    (Step.VERIFY, 1),
    (Step.SWITCH, 1),
    (Step.SWITCH, 900),
    (Step.SETTINGS, 1),
    (Step.SETTINGS, 1300),
)


@pytest.fixture
def board(tmp_path):
    with Board(tmp_path / "board") as board:
        yield board


@pytest.fixture
def settings(tmp_path):
    """Writes a settings file and gives its path."""

    def write(values):
        path = tmp_path / "node.json"
        path.write_text(json.dumps(values), encoding="utf-8")
        return str(path)

    return write


def run(board, *options):
    return CliRunner().invoke(cli.node, ["install", board.port, *options])


def document(board, *options):
    result = run(board, *options, "--json")
    return json.loads(result.stdout), result


def test_a_fresh_board_measures_and_says_so(board, settings):
    board.air.temperature = 21.5
    result = run(board, "--settings", settings(QUICK), "--name", "north", "--site", "pylon 3")
    assert result.exit_code == 0, result.output
    said = result.stdout
    for expected in (
        "node       240ac4000001",
        f"firmware   fieldgate {VERSION}, micropython 1.25.0",
        "name       north",
        "site       pylon 3",
        "sensors    bme280, hx711",
        "counts",
    ):
        assert expected in said
    assert "air_temperature    21.5" in said
    assert said.splitlines()[-1].startswith("next step: plug it into the gateway")


def test_the_second_run_writes_nothing_and_keeps_the_settings(board, settings):
    first, _ = document(board, "--settings", settings(QUICK), "--name", "north")
    second, result = document(board)
    assert result.exit_code == 0
    assert len(first["written"]) == len(application.build().files)
    assert second["written"] == []
    assert second["settings_written"] is False
    assert second["node"]["name"] == "north"
    assert second["node"]["boot_count"] == first["node"]["boot_count"] + 1


def test_an_application_from_before_there_were_slots_is_replaced_and_removed(board):
    board.kill()
    old = old_application()
    board.install(old)
    board.start()
    found, result = document(board)
    assert result.exit_code == 0, result.output
    assert found["removed"] == sorted(path for path in old if path.startswith("/lib/"))
    assert {"/main.py", "/launch.mpy", "/slot.json", "/a/firmware/__init__.mpy"} <= set(found["written"])
    assert found["node"]["firmware"].startswith(f"fieldgate {VERSION},")
    assert found["node"]["name"] == "old"


def test_a_name_alone_keeps_the_other_settings(board, settings):
    document(board, "--settings", settings({**QUICK, "node": {"name": "a", "site": "b"}}))
    document(board, "--name", "c")
    board.kill()
    assert json.loads(board.read_file("/settings.json")) == {**QUICK, "node": {"name": "c", "site": "b"}}


def test_settings_that_the_firmware_refuses_leave_the_old_ones(board, settings):
    document(board, "--settings", settings(QUICK))
    found, result = document(board, "--settings", settings({"sensors": [{"driver": "bme820"}]}))
    assert result.exit_code == 2
    _, says, known = found["error"].rpartition("sensors[0].driver: not one of ")
    assert says
    assert {"bme280", "hx711"} <= set(known.split(", "))  # in no order, and more with every driver
    board.kill()
    assert json.loads(board.read_file("/settings.json")) == QUICK


def test_what_a_gateway_hid_is_not_written(board, settings):
    wifi = {"ssid": "site", "key": "********"}
    link = {"via": ["console", "wifi"], "wifi": wifi, "broker": {"host": "gateway.local"}}
    found, result = document(board, "--settings", settings({**QUICK, "link": link}))
    assert result.exit_code == 2
    assert "link.wifi.key: is hidden: write it out" in found["error"]


def test_a_node_in_safe_mode_with_trials_begins_afresh(board, settings):
    board.kill()
    broken = {**application.build().files, "/a/drivers/bme280.mpy": b"broken", "/b/application.json": b"{}"}
    trials = {
        "/slot.json": b'{"good": "a", "trial": "b"}',
        "/settings.new": b"{}",
        "/failed": NINE_STARTS_FAILED,
    }
    board.install({**broken, **trials})
    board.start()
    found, result = document(board, "--settings", settings(QUICK))
    assert result.exit_code == 0, result.output
    assert "/a/drivers/bme280.mpy" in found["written"]
    board.kill()
    assert json.loads(board.read_file("/slot.json")) == {"good": "a", "trial": None}
    for path in ("/settings.new", "/failed"):
        with pytest.raises(NoSuchFile):
            board.read_file(path)


def test_a_link_on_a_uart_is_told_and_not_waited_for(board, settings):
    result = run(board, "--settings", settings({**QUICK, "link": {"via": "uart"}}))
    assert result.exit_code == 0, result.output
    assert "the link is on a UART of its own" in result.stdout


def test_an_application_that_crashes_at_its_start_is_shown_with_its_error(board, monkeypatch):
    crash = b"def main(*_):\n    raise ValueError('a number too many')\n"
    read = application._read
    monkeypatch.setattr(application, "_read", lambda path: crash if path.name == "app.py" else read(path))
    monkeypatch.setattr(greeting, "HELLO_S", 3.0)
    found, result = document(board)
    assert result.exit_code == 1
    assert found["reason"] == "crash"
    assert "ValueError: a number too many" in found["error"]
    assert found["board_state"] == "it has the new application and settings"


def test_mpremote_gets_into_the_running_node_and_the_tool_after_it(board, settings):
    document(board, "--settings", settings(QUICK))
    mpremote = [sys.executable, "-m", "mpremote", "connect", board.port]
    done = subprocess.run([*mpremote, "eval", "1+1"], capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout.strip() == "2", done.stderr
    found, _ = document(board)
    assert found["ok"]
    assert found["written"] == []


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.mark.parametrize(("step", "octets"), CUTS)
def test_a_power_cut_leaves_the_old_or_the_new_node_and_the_next_run_succeeds(bench, step, octets):
    found = bench.cut_at(step, octets)
    assert found.starts in {(OLD_VERSION, "old"), (VERSION, "old"), (VERSION, NEW_NAME)}
    if found.said.startswith(("look at the board", "copy", "check the copy")):
        assert found.starts == (OLD_VERSION, "old")
    assert found.repaired == (VERSION, NEW_NAME)
