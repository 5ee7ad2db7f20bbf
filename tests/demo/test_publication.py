import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil_tests.demo.identity import Gap, Stream
from hil_tests.demo.publication import Block, NotUnderstood, understood

NODE = "aabbccddeeff"
AIR = f"fieldgate/demo/{NODE}/air"
PROPERTIES = {"node": NODE, "boot": "65543", "stream": "1", "seq": "4", "tu": "0.0003"}
PACK = [
    {
        "bn": "urn:dev:mac:aabbccfffeddeeff:",
        "bt": 1_800_000_000.5,
        "n": "air_temperature",
        "u": "Cel",
        "v": 21.5,
    },
    {"n": "air_pressure", "u": "Pa", "v": 100_800},
    {"n": "air_temperature", "u": "Cel", "v": 21.51, "t": 1.0},
    {"n": "air_pressure/q", "vs": "bus", "t": 1.0},
]


def test_a_pack_gives_the_identity_and_every_reading_in_utc():
    found = understood(AIR, PROPERTIES, json.dumps(PACK).encode())
    assert isinstance(found, Block)
    assert found.identity == (NODE, 65543, 1, 4)
    assert [(each.channel, each.value, each.utc_s) for each in found.readings] == [
        ("air_temperature", 21.5, 1_800_000_000.5),
        ("air_pressure", 100_800.0, 1_800_000_000.5),
        ("air_temperature", 21.51, 1_800_000_001.5),
        ("air_pressure", None, 1_800_000_001.5),
    ]
    assert found.readings[3].fault == "bus"
    assert found.last_utc_s == 1_800_000_001.5


def test_a_base_unit_holds_where_a_record_has_none():
    pack = [{"bu": "Cel", "bt": 2e9, "n": "a", "v": 1}, {"n": "b", "v": 2}, {"n": "c", "u": "Pa", "v": 3}]
    found = understood(AIR, PROPERTIES, json.dumps(pack).encode())
    assert isinstance(found, Block)
    assert [each.unit for each in found.readings] == ["Cel", "Cel", "Pa"]


def test_a_gap_names_its_records():
    document = {
        "boot": 65543,
        "stream": 1,
        "seq": 4,
        "next_seq": 9,
        "reason": "queue_full",
        "from": None,
        "to": None,
    }
    found = understood(f"fieldgate/demo/{NODE}/gap", {}, json.dumps(document).encode())
    assert found == Gap(Stream(NODE, 65543, 1), 4, 9)


def test_the_gateways_own_status_is_neither():
    assert understood("fieldgate/demo/status", {}, b'{"state":"online"}') is None


@pytest.mark.parametrize(
    ("topic", "properties", "payload"),
    [
        (AIR, PROPERTIES, b"not json"),
        (AIR, PROPERTIES, b"[]"),
        (AIR, PROPERTIES, b'[{"v": 1}]'),
        (AIR, {}, json.dumps(PACK).encode()),
        ("fieldgate/demo/x/y/z", PROPERTIES, json.dumps(PACK).encode()),
        (f"fieldgate/demo/{NODE}/gap", {}, b"{}"),
    ],
)
def test_what_is_neither_readings_nor_a_gap_is_named_as_such(topic, properties, payload):
    with pytest.raises(NotUnderstood):
        understood(topic, properties, payload)


@given(st.binary(max_size=100))
def test_any_payload_raises_nothing_else(payload):
    with pytest.raises(NotUnderstood):
        understood(AIR, PROPERTIES, payload)
