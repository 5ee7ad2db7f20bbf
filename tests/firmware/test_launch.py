"""The launcher's files and octets, whatever they hold: it must always come to a slot and a count."""

import json

import pytest

from provisioning.application import build
from tests.firmware.launched import choice, slot_files
from tests.firmware.node import run_script

BEGIN = "import machine\nfrom firmware import launch\n"


@pytest.fixture
def root(tmp_path):
    for path, octets in slot_files(build(), "a").items():
        file = tmp_path / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(octets)
    return tmp_path


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (None, ("a", None)),
        (choice("b")["/slot.json"], ("b", None)),
        (choice("b", "a")["/slot.json"], ("b", "a")),
        (b"", ("a", None)),
        (b'{"good": "b", "tri', ("a", None)),
        (b'{"good": "b"}', ("a", None)),
        (b'{"good": "b", "trial": "b"}', ("a", None)),
        (b'{"good": "c", "trial": null}', ("a", None)),
        (b'{"good": ["a"], "trial": {}}', ("a", None)),
        (b"[1, 2]", ("a", None)),
        (b"\xff\x00\xfe" * 20, ("a", None)),
    ],
)
def test_a_slot_is_chosen_whatever_slot_json_holds(root, octets, expected):
    if octets is not None:
        (root / "slot.json").write_bytes(octets)
    assert run_script(f"{BEGIN}print(launch.slots('{root}/'))").strip() == str(expected)


def test_without_slot_json_the_slot_that_has_a_manifest_is_chosen(root):
    (root / "a").rename(root / "b")
    assert run_script(f"{BEGIN}print(launch.slots('{root}/'))").strip() == "('b', None)"


def test_trials_are_begun_kept_and_dropped(root):
    said = run_script(
        f"{BEGIN}import sys\nroot = '{root}/'\n"
        "launch.try_application(root)\nprint(launch.slots(root))\n"
        "launch.drop_application(root)\nprint(launch.slots(root))\n"
        "launch.try_application(root)\nlaunch.good(root, False)\nprint(launch.slots(root))\n"
        "sys.path.insert(0, '/b')\nlaunch.good(root, False)\nprint(launch.slots(root))\n"
    )
    # The third: what is on trial is not what runs, so this boot says nothing about it.
    assert said.splitlines() == ["('a', 'b')", "('a', None)", "('a', 'b')", "('b', None)"]
    assert json.loads((root / "slot.json").read_text()) == {"good": "b", "trial": None}


def test_a_slot_is_whole_only_with_every_octet_of_every_file(root):
    ask = f"{BEGIN}print(launch.whole('a', '{root}/'))"
    assert run_script(ask) == "True\n"
    manifest, module = root / "a" / "application.json", root / "a" / "wire" / "cbor.mpy"
    right = {path: path.read_bytes() for path in (manifest, module)}
    for path, octets in right.items():
        for damaged in (None, b"", octets[: len(octets) // 2], b"\xff" + octets[1:]):
            if damaged is None:
                path.unlink()
            else:
                path.write_bytes(damaged)
            assert run_script(ask) == "False\n", (path, damaged)
        path.write_bytes(octets)


@pytest.mark.parametrize(
    "memory", [b"", b"f", bytes(8), b"\xff" * 2048, b"fg\x05\x00abcd", bytes(range(256)) * 8]
)
def test_rtc_memory_that_is_no_count_counts_as_none_and_the_rest_of_it_is_left_alone(memory):
    said = run_script(
        f"{BEGIN}rtc = machine.RTC()\nrtc.memory({memory!r})\nprint(launch.begin()[0])\n"
        "print(rtc.memory()[:8])\nprint(rtc.memory()[16:])\n"
    ).splitlines()
    assert said[0] == "0"
    assert said[1].startswith("b'fg\\x00\\x00")
    assert said[2] == str(memory[16:])


def test_what_others_keep_in_rtc_memory_survives_every_note_of_the_launcher():
    said = run_script(
        f"{BEGIN}rtc = machine.RTC()\nrtc.memory(bytes(16) + b'theirs')\n"
        "launch.begin()\nlaunch.planned()\nlaunch.again('/absent/')\nlaunch.begin()\nprint(rtc.memory()[16:])\n"
    )
    assert said == "b'theirs'\n"


def test_what_the_launcher_counts_survives_what_a_node_that_sleeps_keeps():
    said = run_script(
        f"{BEGIN}from firmware import board_sleep\nrtc = machine.RTC()\nlaunch.begin()\nlaunch.planned()\n"
        "before = rtc.memory()\nboard_sleep.keep(bytearray(16) + b'ours')\n"
        "print(before[:8] != bytes(8), rtc.memory()[:16] == before[:16], rtc.memory()[16:])\n"
    )
    assert said == "True True b'ours'\n"
