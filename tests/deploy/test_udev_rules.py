"""The udev rules: udev ignores a line it does not understand, so a mistake in one goes unnoticed."""

import re
from pathlib import Path

import pytest

RULES = Path(__file__).parents[2] / "deploy" / "99-fieldgate.rules"
# udev(7): the keys that we use, and what may be done with each
MATCHES = {"ACTION", "SUBSYSTEM", "SUBSYSTEMS", "DRIVER", "ATTRS"}
ASSIGNMENTS = {"ATTR", "ENV", "GROUP", "MODE", "GOTO", "LABEL"}
ITEM = re.compile(r'([A-Z]+)(?:\{(\w+)\})?(==|!=|=)"([^"]*)"')


def rules():
    text = RULES.read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def items(rule):
    return [ITEM.fullmatch(item.strip()) for item in rule.split(",")]


@pytest.mark.parametrize("rule", rules())
def test_every_item_is_a_known_key_with_a_fitting_operator(rule):
    for item in items(rule):
        assert item is not None, rule
        key, _, operator, _ = item.groups()
        assert key in (ASSIGNMENTS if operator == "=" else MATCHES), rule


def test_every_jump_has_its_label():
    found = [item.groups() for rule in rules() for item in items(rule)]
    labels = {value for key, _, _, value in found if key == "LABEL"}
    assert {value for key, _, _, value in found if key == "GOTO"} == labels


def test_ftdi_chips_get_the_shortest_latency():
    (rule,) = [rule for rule in rules() if "latency_timer" in rule]
    assert 'SUBSYSTEM=="usb-serial", DRIVER=="ftdi_sio"' in rule
    assert rule.endswith('ATTR{latency_timer}="1"')


def test_ports_get_the_group_of_the_service_and_are_kept_from_modem_manager():
    unit = (RULES.parent / "fieldgate.service").read_text(encoding="utf-8")
    (rule,) = [rule for rule in rules() if "GROUP" in rule]
    (group,) = re.findall(r"(?m)^Group=(.*)$", unit)
    assert f'GROUP="{group}"' in rule
    assert 'ENV{ID_MM_DEVICE_IGNORE}="1"' in rule
