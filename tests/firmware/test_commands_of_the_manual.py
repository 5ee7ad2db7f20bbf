"""What docs/firmware.md has people type works as it stands there."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from hil_tests.board import Board
from hil_tests.chips import Air, DS18B20Chip, Load, NAU7802Chip
from provisioning.application import build
from tests.firmware.cable import Cable
from tests.firmware.test_sensors_on_emulated_board import host_us

ROOT = Path(__file__).resolve().parents[2]
MPREMOTE = Path(sys.executable).with_name("mpremote")


def commands(word):
    """The indented commands of the manual with this word in them, as a shell takes them."""
    text = (ROOT / "docs" / "firmware.md").read_text(encoding="utf-8")
    found = re.findall(r"^    mpremote (.*?\" reset)$", text, re.MULTILINE | re.DOTALL)
    return [shlex.split(re.sub(r"^    ", "", each, flags=re.MULTILINE)) for each in found if word in each]


def test_calibration_and_roms_are_told_by_a_running_node(tmp_path):
    chip = NAU7802Chip(Load(), host_us)
    probes = [DS18B20Chip(Air(), host_us), DS18B20Chip(Air(), host_us)]
    settings = {
        "sensors": [{"driver": "nau7802"}],
        "groups": [{"name": "load", "sensors": [0]}],
    }
    link = tmp_path / "port"
    board = Board(tmp_path / "board", chips=[chip], one_wire_chips=probes, link=link)
    board.install({**build().files, "/settings.json": json.dumps(settings).encode()})
    with board:
        cable = Cable(board.port)
        cable.board = board
        cable.meet()
        cable.close()
        said = []
        for arguments in commands("d.afe") + commands("onewire"):
            line = [MPREMOTE, "connect", link, *arguments]
            done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stdout
            said.append(done.stdout.split())
            board.wait_listening()
    [[afe], roms] = said
    assert re.fullmatch(r"[0-9a-f]{6}00800000", afe)
    assert sorted(roms) == sorted(probe.rom.hex() for probe in probes)
