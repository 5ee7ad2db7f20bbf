"""gateway/sinks/senml.py"""

import json
import re
import timeit
from decimal import Decimal
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.descriptors import Channel, Descriptor, Group
from gateway.node_clock import TimeState
from gateway.readings import Loss, Pack
from gateway.sinks.senml import TEMPLATES, SenmlJson, base_name, decimal_text, loss_json, spelled

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "senml.json").read_text())
UID = bytes.fromhex("24becf804ff1")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]*")  # RFC 8428 section 4.5.1


def pack(channels, values, *, utc_ns=1_800_000_000_000_000_000, span_ns=0, faults=None, uid=UID, hash8=b"h"):
    group = Group(name="air", channels=tuple(channels))
    return Pack(
        uid,
        Descriptor(hash8=hash8, name="", groups=(group,)),
        0,
        group,
        1,
        1,
        7,
        8,
        utc_ns,
        span_ns,
        1000,
        TimeState.RESOLVED,
        values,
        faults or {},
    )


def channel(name, unit, exp, latency_us=0):
    return Channel(name=name, unit=unit, exp=exp, latency_us=latency_us)


def parsed(octets):
    return json.loads(octets, parse_float=Decimal)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector):
    made = pack(
        [channel(*each) for each in vector["group"]],
        vector["values"],
        utc_ns=vector["utc_ns"],
        span_ns=vector["span_ns"],
        faults={int(index): code for index, code in vector["faults"].items()},
        uid=bytes.fromhex(vector["uid"]),
    )
    assert SenmlJson().encode(made).decode() == vector["json"]
    assert spelled(made).decode() == vector["json"]


units = st.sampled_from(["Cel", "%RH", "Pa", "/", "", 'odd"\\%d'])
channels = st.lists(
    st.builds(channel, st.just("x"), units, st.integers(-18, 18)), min_size=1, max_size=5
).map(lambda made: [channel(f"x{at}", each.unit, each.exp) for at, each in enumerate(made)])


@given(channels, st.integers(1, 12), st.integers(0, 1 << 62), st.data())
def test_the_fast_way_says_the_same_as_the_long_way(made, scans, span_ns, data):
    numbers = st.one_of(st.integers(-10_000, 200_000), st.integers(-(2**54), 2**54))
    size = len(made) * scans
    values = data.draw(st.lists(numbers, min_size=size, max_size=size))
    one = pack(made, values, span_ns=span_ns, utc_ns=data.draw(st.integers(0, 1 << 62)))
    assert parsed(SenmlJson().encode(one)) == parsed(spelled(one))


@given(channels, st.integers(1, 6), st.data())
def test_every_value_is_in_the_pack_exactly_once_and_exactly(made, scans, data):
    size = len(made) * scans
    values = data.draw(
        st.lists(st.one_of(st.none(), st.integers(-(2**53), 2**53)), min_size=size, max_size=size)
    )
    records = parsed(SenmlJson().encode(pack(made, values, span_ns=10**9)))
    assert len(records) == size
    for index, (record, raw) in enumerate(zip(records, values, strict=True)):
        expected = made[index % len(made)]
        if raw is None:
            assert record["n"] == expected.name + "/q"
            assert record["vs"] == "missing"
            assert "v" not in record
        else:
            assert record["n"] == expected.name
            assert record["v"] == Decimal(raw).scaleb(expected.exp)
            assert record.get("u", records[0].get("bu", "")) == expected.unit
        assert NAME.fullmatch(records[0]["bn"] + record["n"])


@pytest.mark.parametrize(
    ("raw", "exp", "text"),
    [
        (2541, -2, "25.41"),
        (-5, -2, "-0.05"),
        (0, -3, "0.000"),
        (7, 0, "7"),
        (-7, 2, "-700"),
        (10**18, -18, "1.000000000000000000"),
    ],
)
def test_a_decimal_is_spelled_without_float_noise(raw, exp, text):
    assert decimal_text(raw, exp) == text


def test_a_mac_of_48_bits_becomes_an_eui_64():
    assert base_name(UID) == "urn:dev:mac:24becffffe804ff1:"
    assert base_name(bytes(range(8))) == "urn:dev:mac:0001020304050607:"


def test_templates_and_names_stay_within_their_limit_and_right():
    encoder = SenmlJson()
    air = [channel("a", "Cel", -2)]
    for number in range(TEMPLATES + 10):
        uid = number.to_bytes(8, "big")
        records = parsed(encoder.encode(pack(air, [number], uid=uid, hash8=uid)))
        assert records[0]["v"] == Decimal(number) / 100
        assert records[0]["bn"] == f"urn:dev:mac:{uid.hex()}:"


def loss(state):
    return Loss(UID, 9, 1, 4, 6, "queue_full", 1_800_000_000_000_000_000, 500_000_000, 1000, state)


def test_a_loss_tells_what_and_when():
    assert json.loads(loss_json(loss(TimeState.RESOLVED))) == {
        "next_seq": 6,
        "reason": "queue_full",
        "from": 1_800_000_000,
        "to": 1_800_000_000.5,
    }


def test_a_loss_of_an_unknown_time_has_none():
    for untold in (loss(TimeState.UNKNOWN), loss(TimeState.RESOLVED)._replace(timed=False)):
        told = json.loads(loss_json(untold))
        assert told["from"] is None
        assert told["to"] is None


def test_thirty_values_cost_little():
    air = [
        channel("air_temperature", "Cel", -2),
        channel("humidity", "%RH", -2),
        channel("pressure", "Pa", 0),
    ]
    one = pack(air, [2541, 4512, 101325] * 10, span_ns=9 * 10**9)
    encoder = SenmlJson()
    best, slow = [], []
    for _ in range(40):  # in turns, and the best of each: the machine may be busy or slow
        best.append(timeit.timeit(lambda: encoder.encode(one), number=50, timer=process_time))
        slow.append(timeit.timeit(lambda: spelled(one), number=50, timer=process_time))
    assert min(best) < min(slow) / 2
