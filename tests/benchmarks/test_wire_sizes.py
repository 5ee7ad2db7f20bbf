"""The sizes that the README states are those of the code."""

import json
import sys

import cbor2
import pytest

from benchmarks import wire_sizes
from gateway.sinks.senml import decimal_text
from wire import up
from wire.framing import FRAME_LIMIT_UP, FrameReader
from wire.scans import scans_of

SCANS = wire_sizes.weather(wire_sizes.BATCH, 30)


@pytest.mark.parametrize("days", [0, 0.05, 30, 3650])
def test_a_scan_is_within_the_limits_however_long_the_node_is_up(days):
    ours, *others = wire_sizes.measure(20, days)
    assert ours.alone < wire_sizes.LIMIT_ALONE
    assert ours.batch < wire_sizes.LIMIT_BATCH
    assert all(other.alone > ours.alone and other.batch > 5 * ours.batch for other in others)


def test_what_is_counted_for_fieldgate_holds_every_value():
    [message] = FrameReader(FRAME_LIMIT_UP).feed(wire_sizes.fieldgate(SCANS))
    assert scans_of(up.decode(message), 3) == [list(scan.raw) for scan in SCANS]


@pytest.mark.parametrize("name", sorted(set(wire_sizes.FORMATS) - {"fieldgate on the wire"}))
def test_what_is_counted_for_others_holds_every_value(name):
    encoded = wire_sizes.FORMATS[name](SCANS)
    decoded = cbor2.loads(encoded) if "CBOR" in name else json.loads(encoded)
    numbers = sorted(each for each in leaves(decoded) if isinstance(each, (int, float)))
    raw_or_true = [number for scan in SCANS for number in (*scan.raw, *scan.values)]
    assert sum(number in raw_or_true for number in numbers) >= 3 * len(SCANS)


def test_values_are_those_that_the_gateway_publishes():
    for scan in SCANS:
        texts = [
            decimal_text(raw, exp) for raw, (_, _, exp) in zip(scan.raw, wire_sizes.CHANNELS, strict=True)
        ]
        assert [float(text) for text in texts] == scan.values


def test_the_program_fails_over_a_limit(monkeypatch, capsys):
    monkeypatch.setattr(wire_sizes, "LIMIT_BATCH", 1)
    monkeypatch.setattr(sys, "argv", ["wire_sizes", "--blocks", "2"])
    with pytest.raises(SystemExit, match="over the limit"):
        wire_sizes.main()
    assert "fieldgate on the wire" in capsys.readouterr().out


def leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [leaf for member in value for leaf in leaves(member)]
    return [value]
