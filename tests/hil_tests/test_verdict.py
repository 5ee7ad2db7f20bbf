"""hil_tests/verdict.py sees every kind of broken promise: a judge who cannot say no proves nothing."""

from dataclasses import replace

import cbor2
import pytest

from gateway.store.account import Account, StreamAccount
from hil_tests.cable import Cable
from hil_tests.demo.identity import Stream
from hil_tests.demo.publication import Block, Reading
from hil_tests.verdict import BLOCK, Row, mistakes, unaccounted
from wire.framing import ESCAPES_DOWN, ESCAPES_UP, stuff

NODE = "240ac4000001"
BOOT = 1 << 16
OF = Stream(NODE, BOOT, 1)
GAP = 5
DESCRIPTOR = {"channels": [{"name": "t", "exp": -2}], "groups": [{"channels": [0]}]}


def message(seq, values=(2500, 50, None)):
    return cbor2.dumps([BLOCK, BOOT, 1, seq, 0, 1000 * seq, 20, list(values)])


def block(seq, values=(25.0, 25.5, None)):
    return Block(
        identity=OF.record(seq),
        readings=tuple(
            Reading("t", value, "Cel", "" if value is not None else "bus", 100.0) for value in values
        ),
    )


def row(seq, kind=BLOCK, next_seq=None):
    return Row(of=OF, seq=seq, next_seq=next_seq or seq + 1, kind=kind, message=message(seq))


@pytest.fixture
def cable():
    """A cable that three blocks went up and the ACK of two came down."""
    cable = Cable(NODE)
    octets = stuff(cbor2.dumps([2, DESCRIPTOR]), ESCAPES_UP)
    octets += b"".join(stuff(message(seq), ESCAPES_UP) for seq in range(3))
    for at in range(0, len(octets), 7):
        cable.take("up", octets[at : at + 7], 0)
    cable.take("down", stuff(cbor2.dumps([4, BOOT, 1, 2, 8192]), ESCAPES_DOWN), 0)
    return cable


def judged(cable, rows, heard):
    return mistakes(
        sent=cable.sent(),
        acknowledged=cable.acknowledged(),
        rows=rows,
        heard=heard,
        readings=cable.readings,
    )


def test_nothing_is_wrong_when_all_places_agree(cable):
    rows, heard = [row(0), row(1), row(2)], [block(0), block(1), block(1), block(2)]
    assert judged(cable, rows, heard) == []
    assert judged(cable, rows[:2], heard[:3]) == []  # what is not acknowledged may be on its way


def test_a_gap_accounts_for_what_it_names(cable):
    assert judged(cable, [row(0, kind=GAP, next_seq=2), row(2)], [block(2)]) == []


BROKEN = {
    "was acknowledged and is not stored": ([row(0)], [block(0)]),
    "is stored where 1 was to come": ([row(0), row(2), row(1)], [block(0), block(1), block(2)]),
    "is stored where 2 was to come": ([row(0), row(1), row(1)], [block(0), block(1)]),
    "is stored as nobody sent it": (
        [row(0), replace(row(1), message=message(1, [7]))],
        [block(0), block(1, [0.07])],
    ),
    "was not delivered": ([row(0), row(1)], [block(0)]),
    "was delivered and is not stored": ([row(0), row(1)], [block(0), block(1), block(2)]),
    "was delivered with other values": ([row(0), row(1)], [block(0), block(1, [25.0, 25.51, None])]),
    "delivered with other values": ([row(0), row(1)], [block(0), block(1, [25.0, 25.5, 0.0])]),
}


@pytest.mark.parametrize("mistake", BROKEN)
def test_a_broken_promise_is_named(cable, mistake):
    found = judged(cable, *BROKEN[mistake])
    assert [each for each in found if mistake in each] == found[:1]


def test_two_contents_under_one_identity_are_named(cable):
    cable.take("up", stuff(message(1, [9]), ESCAPES_UP), 0)
    assert judged(cable, [row(0), row(1)], [block(0), block(1)]) == [
        f"{OF.record(1)} was sent with two contents"
    ]


def test_what_the_stores_account_does_not_have_is_named():
    stream = StreamAccount(
        uid=bytes.fromhex(NODE), boot=BOOT, stream=1, first_seq=0, next_seq=9, stored=5, settled=2
    )
    whole = Account(streams=(stream,), sinks=())
    assert unaccounted(whole) == []
    broken = replace(stream, unaccounted=((3, 5),), outside=((9, 10),))
    assert unaccounted(Account(streams=(broken,), sinks=(), damaged_rows=("stream: x",))) == [
        f"{NODE}/{BOOT}/1: (3, 5) is not accounted for",
        f"{NODE}/{BOOT}/1: (9, 10) is outside of its stream",
        "damaged: stream: x",
    ]
