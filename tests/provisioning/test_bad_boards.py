"""Ports that are no board, and boards that are not fit: a clear end within seconds, never a hang."""

import json
import os
import time
from types import MappingProxyType

import pytest
import serial
from click.testing import CliRunner

from provisioning import board_scripts, cli
from provisioning.application import Application, sha256
from provisioning.install import Installation, InstallFailed
from provisioning.progress import SilentProgress
from provisioning.settings_wish import SettingsWish
from provisioning.step import Step
from tests.provisioning.scripted_board import Chatterer, Peer, ScriptedBoard

APPLICATION = Application(
    launcher=MappingProxyType({"/main.py": b"import firmware.app\n"}),
    modules=MappingProxyType({"firmware/app.mpy": bytes(range(256)) * 5}),
)
FILES = APPLICATION.files


def failure_at(path, wish=None):
    with pytest.raises(InstallFailed) as caught:
        Installation(path, APPLICATION, wish or SettingsWish(), SilentProgress()).run()
    return caught.value


@pytest.mark.timeout(40)  # the whole ladder of attempts, in real time
def test_silence_ends_within_seconds_with_what_to_press():
    with Peer() as peer:
        began_s = time.monotonic()
        failed = failure_at(peer.path)
    assert time.monotonic() - began_s < 15  # 4.5 where the machine has nothing else to do
    assert failed.step is Step.ENTER
    assert "silence" in str(failed)
    assert "EN (or RST)" in failed.explanation.next_step
    assert failed.board == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"$GPGGA,123519,4807.038,N,01131.000,E,1,08*47\r\n", "GPS receiver"),
        (b"x" * 500, "something else talks here: 'xxx"),
        (b"\x80\xf3\x1c\x9e" * 20, "no text at 115200 baud"),
        (b"rst:0x10 (RTCWDT_RTC_RESET)\r\ninvalid header: 0xffffffff\r\n", "no program on its flash"),
        (b"waiting for download\r\n", "waits for a download"),
        (b"Brownout detector was triggered\r\n", "supply voltage"),
        (b"The filesystem appears to be corrupted.\r\n", "file system is corrupt"),
        (b"\x1b[31mred\x07\r\n", "'?[31mred?'"),
    ],
)
def test_a_chattering_port_ends_in_time_and_is_named(text, expected, monkeypatch):
    monkeypatch.setattr("provisioning.board_link.INTERRUPT_S", 0.2)
    with Chatterer(text) as peer:
        began_s = time.monotonic()
        failed = failure_at(peer.path)
    assert time.monotonic() - began_s < 2
    assert expected in str(failed)


def test_an_absent_port_is_named(tmp_path):
    failed = failure_at(str(tmp_path / "ttyUSB0"))
    assert failed.explanation.reason == "port_absent"
    assert failed.step is Step.OPEN


def test_a_file_is_no_port(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    assert failure_at(str(path)).explanation.reason == "port_failed"


def test_a_port_that_the_gateway_has_names_the_way_to_get_it():
    with Peer() as peer, serial.Serial(peer.path, exclusive=True):
        failed = failure_at(peer.path)
    assert failed.explanation.reason == "port_busy"
    assert "fieldgate status" in failed.explanation.next_step
    assert "systemctl stop fieldgate" in failed.explanation.next_step


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"version": (1, 21, 0)}, "MicroPython 1.21.0; 1.22 is the oldest"),
        ({"name": "circuitpython", "version": (9, 2, 0)}, "runs circuitpython 9.2.0, not MicroPython"),
        ({"mpy": 5}, "reads bytecode 5, not 6"),
        ({"root": ["boot.py", "launch"]}, "/launch on the board would be taken in place of /launch.mpy"),
        ({"root": ["launch.py"]}, "/launch.py on the board"),
    ],
)
def test_a_board_that_is_not_fit_is_left_as_it_was(change, expected):
    with ScriptedBoard() as board:
        board.inspection.update(change)
        failed = failure_at(board.path)
        wait_for(lambda: board.restarts)
    assert expected in str(failed)
    assert failed.step is Step.INSPECT
    assert failed.board == "its application is what it was"
    assert board.files == {}
    assert board.restarts == 1  # it does not stay at its prompt


@pytest.mark.parametrize(
    ("space", "expected"),
    [({"free": 10}, "the flash is full"), ({"replaces": False}, "cannot replace a file by renaming")],
)
def test_a_flash_that_cannot_take_it_is_told_before_anything_is_written(space, expected):
    with ScriptedBoard() as board:
        board.space.update(space)
        failed = failure_at(board.path)
    assert expected in str(failed)
    assert board.files == {}
    assert board_scripts.COMMIT not in board.scripts


def test_no_space_left_while_copying_leaves_the_old_application():
    full = OSError("[Errno 28] ENOSPC")
    with ScriptedBoard(lambda script: full if script.startswith("w(") else None) as board:
        failed = failure_at(board.path)
        wait_for(lambda: board.restarts)
    assert failed.step is Step.COPY
    assert "No space left on device: /next/a/application.json" in str(failed)
    assert failed.board == "its application is what it was"
    assert board_scripts.COMMIT not in board.scripts


def test_an_octet_that_changed_on_the_way_is_found_before_the_switch():
    with ScriptedBoard(lambda script: "" if script == "w(b'" else None) as board:
        board._before = lambda script: (
            repr({path: sha256(octets + b"?") for path, octets in board.files.items()})
            if script == board_scripts.DIGESTS
            else None
        )
        failed = failure_at(board.path)
    assert failed.step is Step.VERIFY
    assert "not what was sent" in str(failed)
    assert board_scripts.COMMIT not in board.scripts


@pytest.mark.parametrize("at", range(12))
def test_a_board_unplugged_at_any_script_is_named(at):
    count = 0

    def unplug_at(_script):
        nonlocal count
        count += 1
        if count > at:
            board.unplug()

    with ScriptedBoard(unplug_at) as board:
        failed = failure_at(board.path)
    assert failed.explanation.reason == "port_lost"
    assert "plug it in again" in failed.explanation.next_step
    assert failed.board.endswith("press its EN (or RST) button")


def test_a_board_that_stops_answering_is_told(monkeypatch):
    monkeypatch.setattr("provisioning.board_link.ANSWER_S", 0.5)
    monkeypatch.setattr("provisioning.board_link.SLOW_S", 0.5)
    with ScriptedBoard() as board:
        board._answer = lambda _script: time.sleep(1.2) or ""
        failed = failure_at(board.path)
    assert failed.explanation.reason in {"no_answer", "confused"}
    assert failed.step is Step.INSPECT


def test_an_unfinished_switch_is_finished_before_anything_else():
    with ScriptedBoard() as board:
        board.inspection.update(switching=True, version=(1, 20, 0))  # ends after the second look
        failure_at(board.path)
    begin = board.scripts.index(board_scripts.INSPECT)
    assert board.scripts[begin : begin + 3] == [
        board_scripts.INSPECT,
        board_scripts.FINISH,
        board_scripts.INSPECT,
    ]


def test_settings_that_the_firmware_refuses_do_not_replace_the_old_ones():
    def refuse(script):
        return repr("sensors[0].gain: not one of 128, 64, 32") if "check_settings" in script else None

    wish = SettingsWish(file=b'{"sensors": []}', source="node.json")
    with ScriptedBoard(refuse) as board:
        failed = failure_at(board.path, wish)
    assert str(failed) == "node.json: sensors[0].gain: not one of 128, 64, 32"
    assert failed.board == "it has the new application, and its settings as they were"
    assert not any("os.rename('/next/settings.json'" in script for script in board.scripts)


def test_a_failure_is_one_object_for_programs():
    with ScriptedBoard() as board:
        board.inspection.update(version=(1, 19, 1))
        result = CliRunner().invoke(cli.node, ["install", board.path, "--json"])
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["ok"] is False
    assert document["reason"] == "unfit"
    assert document["step"] == "look at the board"
    assert "next step: flash MicroPython" in result.stderr


def test_a_settings_file_that_is_not_json_ends_before_the_port_is_opened(tmp_path):
    path = tmp_path / "node.json"
    path.write_text("{", encoding="utf-8")
    result = CliRunner().invoke(cli.node, ["install", os.devnull, "--settings", str(path)])
    assert result.exit_code == 2
    assert f"error: {path}: not JSON" in result.stderr
    assert "next step:" in result.stderr


def wait_for(fact):
    """Until `fact()` is true; the test's timeout is the limit."""
    while not fact():
        time.sleep(0.01)
