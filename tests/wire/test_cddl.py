"""docs/link-protocol.cddl holds for what both ends really say, and a decoder that is not ours reads it."""

import copy
import json
import platform
import time
from dataclasses import dataclass, field

import cbor2
import pytest
from cddl_verifier import Validator
from hypothesis import given
from hypothesis import strategies as st

from tests.firmware.node import ROOT, Node
from tests.wire.grammar_examples import BROKEN, DOWN, GOOD, broken_message
from tests.wire.strategies import downs, ups
from wire import cbor, down, up
from wire.errors import WireError
from wire.framing import FRAME_LIMIT_UP, FrameReader
from wire.gateway_session import GatewaySession
from wire.intake import Intake

GRAMMAR_PATH = ROOT / "docs" / "link-protocol.cddl"
GRAMMAR = Validator(GRAMMAR_PATH.read_text())
SETTINGS = {
    "node": {"name": "north", "site": "bridge"},
    "sensors": [{"driver": "bme280", "serial": "A1", "cal": {"offset": 1.5}}, {"driver": "hx711"}],
    "groups": [
        {"name": "air", "sensors": [0], "period_ms": 20, "scans": 1},
        {"name": "load", "sensors": [1], "period_ms": 100, "scans": 2},
    ],
    "queue_octets": 2048,
    "queue_flash_octets": 0,
}
RECORDS_MOST = 2048 // 32  # as many do not fit in the queue, even if they were empty
WINDOW = 1024
RUN_S = 8.0


def fits(rule, octets):
    return GRAMMAR.validate(octets, rule).valid


@dataclass(slots=True)
class Run:
    """The messages of a line in both directions, unstuffed."""

    up: list[bytes] = field(default_factory=list)
    down: list[bytes] = field(default_factory=list)


class Recorder(FrameReader):
    """Keeps what it gives."""

    def __init__(self, frames):
        super().__init__(FRAME_LIMIT_UP)
        self._frames = frames

    def feed(self, data):
        frames = super().feed(data)
        self._frames += frames
        return frames


def speak(node, run):
    """The gateway's own session answers the node until each has said everything that it can say.

    Nobody answers until the node had to drop records, so that there is a GAP.
    """
    session = GatewaySession("gw", WINDOW)
    intake = Intake({})
    wanted = {up.Hello, up.Describe, up.Block, up.Gap, up.TimeReply, up.Log}
    described = False
    for message in node.messages_for(RUN_S):
        if isinstance(message, up.Hello) and message.queued[0][3] < RECORDS_MOST:
            continue
        wanted.discard(type(message))
        now_ms = time.monotonic_ns() // 1_000_000
        match session.receive(message, now_ms):
            case up.Hello() as hello:
                session.meet(intake, described, hello.nonce, now_ms)
            case up.Describe():
                described = True
                session.described()
                session.ask_time(7)
            case up.Block() | up.Gap() as record:
                intake.commit(record.boot, record.stream, record.next_seq)
        while (answer := session.poll(now_ms)) is not None:
            run.down.append(answer.encode(cbor.Encoder(1024)))
            node.send(answer)
        if not wanted:
            return
    raise AssertionError(f"the node never sent {wanted}")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("node")
    (root / "settings.json").write_text(json.dumps(SETTINGS))
    run = Run()
    with Node(root) as node:
        node.reader = Recorder(run.up)
        speak(node, run)
    return run


def test_what_a_real_run_says_fits_the_grammar(run):
    assert {cbor2.loads(octets)[0] for octets in run.up} == {0, 2, 3, 5, 7, 11}
    assert {cbor2.loads(octets)[0] for octets in run.down} == {1, 4, 6, 12}
    for octets in run.up:
        assert GRAMMAR.validate(octets, "up").errors == ()
    for octets in run.down:
        assert GRAMMAR.validate(octets, "down").errors == ()


def test_another_reader_finds_the_same_in_a_real_run(run):
    for octets in run.up:
        assert cbor2.loads(octets) == up.decode(octets).items()
    for octets in run.down:
        assert cbor2.loads(octets) == down.decode(octets).items()


def test_a_message_of_one_direction_is_none_of_the_other(run):
    assert not any(fits("down", octets) for octets in run.up)
    assert not any(fits("up", octets) for octets in run.down)


if platform.machine() == "x86_64":  # pycddl has no arm64 wheel; there cddl-verifier judges alone
    from pycddl import Schema

    @pytest.mark.parametrize("direction", ["up", "down"])
    def test_a_second_verifier_agrees_on_a_real_run(run, direction):
        schema = Schema(f"message = {direction}\n{GRAMMAR_PATH.read_text()}")
        for octets in getattr(run, direction):
            schema.validate_cbor(octets)


def encoded(message):
    return message.encode(cbor.Encoder(100_000))


@given(ups.filter(lambda message: not isinstance(message, up.Describe)))
def test_whatever_a_node_may_say_fits_the_grammar(message):
    octets = encoded(message)
    assert GRAMMAR.validate(octets, "up").errors == ()
    assert cbor2.loads(octets) == message.items()


@given(downs)
def test_whatever_a_gateway_may_say_fits_the_grammar(message):
    octets = encoded(message)
    assert GRAMMAR.validate(octets, "down").errors == ()
    assert cbor2.loads(octets) == message.items()


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64 - 1),
    st.binary(max_size=12),
    st.text(max_size=250),
    st.lists(st.integers(0, 3), max_size=4),
)


def damaged(draw, items):
    """The items with one of them, or of a map or array within, replaced, removed or put in twice."""
    items = copy.deepcopy(items)
    inside = items
    while True:
        at = draw(
            st.sampled_from(sorted(inside, key=repr) if isinstance(inside, dict) else range(len(inside)))
        )
        if isinstance(inside[at], dict | list) and inside[at] and draw(st.booleans()):
            inside = inside[at]
            continue
        if draw(st.booleans()):
            inside[at] = draw(anything)
        elif isinstance(inside, dict) or draw(st.booleans()):
            del inside[at]
        else:
            inside.insert(at, inside[at])
        return items


both = st.one_of(st.tuples(st.just("up"), ups), st.tuples(st.just("down"), downs))


@given(st.data())
def test_what_the_grammar_refuses_the_code_refuses(data):
    rule, message = data.draw(both.filter(lambda drawn: not isinstance(drawn[1], up.Describe)))
    decode = up.decode if rule == "up" else down.decode
    octets = cbor.encode(damaged(data.draw, message.items()), 1024)
    if not fits(rule, octets):
        with pytest.raises(WireError):
            decode(octets)


@pytest.mark.parametrize("rule", GOOD)
def test_each_rule_has_a_message_that_fits(rule):
    octets = cbor2.dumps(GOOD[rule])
    assert GRAMMAR.validate(octets, rule).errors == ()
    assert fits("down" if rule in DOWN else "up", octets)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_message_does_not_fit(name):
    rule, message = broken_message(name)
    octets = cbor2.dumps(message)
    assert not fits(rule, octets)
    assert not fits("up", octets)
    assert not fits("down", octets)


def test_every_rule_of_the_grammar_is_broken_by_a_test():
    lines = GRAMMAR_PATH.read_text().splitlines()
    rules = {line.split(" = ")[0].strip() for line in lines if " = " in line and line[0].isalpha()}
    broken = {word for name in BROKEN for word in (name, name.split()[0])}
    assert rules - broken == {"up", "down"}
