"""gateway/descriptors.py"""

from dataclasses import replace

import pytest

from gateway.descriptors import DESCRIPTORS, Descriptors, Sleep, Unreadable, parse_descriptor
from tests.gateway.sinks.records import AIR, AIR_BODY, AIR_HASH, Library
from wire import cbor


@pytest.fixture
def library():
    return Library()


def test_a_missing_descriptor_is_named_and_looked_for_again(library):
    descriptors = Descriptors(library)
    library.bodies.clear()
    for _ in range(2):
        with pytest.raises(Unreadable, match="descriptor_missing"):
            descriptors.find(AIR_HASH)
    assert library.asked == 2


def test_descriptors_are_parsed_once_and_at_most_so_many_are_kept(library):
    descriptors = Descriptors(library)
    assert descriptors.find(AIR_HASH) is descriptors.find(AIR_HASH)
    for number in range(DESCRIPTORS):
        library.bodies[number.to_bytes(8, "big")] = AIR_BODY
        descriptors.find(number.to_bytes(8, "big"))
    asked = library.asked
    descriptors.find(AIR_HASH)
    assert library.asked == asked + 1


WRONG_SLEEPS = (
    {"every_s": 0},
    {"every_s": 604_801},
    {"every_s": True},
    {"every_s": "900"},
    {"ppm": 0},
    {"ppm": 50_001},
    {"ppm": None},
)


def changed(**parts):
    return cbor.encode({**AIR, **parts})


def channel(**parts):
    return changed(channels=[{**AIR["channels"][0], **parts}] * 3)


def group(**parts):
    return changed(groups=[{**AIR["groups"][0], **parts}])


BAD_DESCRIPTORS = [
    *(changed(sleep={"every_s": 900, "ppm": 10_000, **wrong}) for wrong in WRONG_SLEEPS),
    changed(sleep=[]),
    b"\xff",
    cbor.encode([1]),
    changed(channels=7),
    changed(groups=[1]),
    changed(channels=[1]),
    channel(name="a b"),
    channel(name="/a"),
    channel(name=1),
    channel(unit="m\n"),
    channel(unit=None),
    channel(exp=19),
    channel(exp=True),
    channel(latency_us=10**9),
    group(name="a/b"),
    group(name="gap"),
    group(name="raw"),
    group(channels=[]),
    group(channels=[3]),
    group(channels=[-1]),
    group(channels=["0"]),
]


@pytest.mark.parametrize("body", BAD_DESCRIPTORS, ids=range(len(BAD_DESCRIPTORS)))
def test_a_descriptor_that_nobody_can_use_is_refused(body):
    with pytest.raises(Unreadable) as refused:
        parse_descriptor(AIR_HASH, body)
    assert refused.value.reason in ("descriptor_field", "descriptor_encoding")


def test_unknown_keys_and_a_nameless_node_are_fine():
    descriptor = parse_descriptor(AIR_HASH, changed(node={"name": 5}, more=1))
    assert descriptor.name == ""
    assert descriptor.groups[0].name == "air"
    assert replace(descriptor, name="x") != descriptor


def test_a_node_that_sleeps_says_how_long_and_how_wrong_its_clock_may_be():
    descriptor = parse_descriptor(AIR_HASH, changed(sleep={"every_s": 900, "ppm": 10_000, "more": 1}))
    assert descriptor.sleep == Sleep(every_s=900, ppm=10_000)
    assert parse_descriptor(AIR_HASH, AIR_BODY).sleep is None
