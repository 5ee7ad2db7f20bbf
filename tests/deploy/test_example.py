"""The example configuration says the truth about every key."""

import re
from dataclasses import MISSING, fields
from pathlib import Path

from gateway.config import load, parse
from gateway.toml_table import settings

EXAMPLE = Path(__file__).parents[2] / "deploy" / "fieldgate.toml"


def test_the_example_is_valid_as_it_is():
    config = load(EXAMPLE)
    assert [port.glob for port in config.ports] == ["/dev/serial/by-path/*-usb-*"]
    assert [sink.url for sink in config.mqtt_sinks] == ["mqtt://localhost"]


def test_the_example_shows_every_key_with_its_default():
    shown = parse(re.sub(r"(?m)^#: ", "", EXAMPLE.read_text(encoding="utf-8")), EXAMPLE)
    tables = {
        "gateway": shown.gateway,
        "[port]": shown.ports[0],
        "[wifi]": shown.wifi[0],
        "store": shown.store,
        "store.full": shown.store.full,
        "clock": shown.clock,
        "[sink.mqtt]": shown.mqtt_sinks[0],
        "sink.mqtt.confirmation": shown.mqtt_sinks[0].confirmation,
        "log": shown.log,
    }
    of_the_host = {
        ("gateway", "name"): "gateway",
        ("[wifi]", "client_id"): "fieldgate-gateway-nodes",
        ("[sink.mqtt]", "client_id"): "fieldgate-gateway",
    }
    for title, table in tables.items():
        sections = re.split(r"(?m)^(?:#: )?\[(.+)\]$", EXAMPLE.read_text(encoding="utf-8"))
        section = sections[sections.index(title) + 1]
        assert re.findall(r"(?m)^(?:#: |# )?([a-z_]+) = ", section) == settings(type(table)), title
        for field in (each for each in fields(table) if each.name in settings(type(table))):
            if field.default not in (MISSING, "", None):
                assert getattr(table, field.name) == field.default, f"{title} {field.name}"
            elif (title, field.name) in of_the_host:
                assert getattr(table, field.name) == of_the_host[title, field.name]
