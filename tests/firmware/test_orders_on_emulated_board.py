"""What a node does when the gateway has it do something."""

import json
import time

import pytest

from hil_tests.board import Board
from provisioning.application import build
from tests.firmware.cable import WINDOW, Cable
from tests.firmware.node import run_script
from wire import down, remote, up
from wire.message import Message

SETTINGS = {
    "node": {"name": "north pier " * 10, "site": "x" * 190},
    "sensors": [{"driver": "bme280", "cal": {"note": "y" * 150}}, {"driver": "hx711"}],
    "groups": [
        {"name": "air", "sensors": [0], "period_ms": 200, "scans": 2},
        {"name": "load", "sensors": [1], "period_ms": 100, "scans": 4},
    ],
}
OCTETS = json.dumps(SETTINGS, indent=1).encode()


@pytest.fixture
def board(tmp_path):
    board = Board(tmp_path / "board")
    board.install({**build().files, "/settings.json": OCTETS})
    with board:
        yield board


@pytest.fixture
def cable(board):
    cable = Cable(board.port)
    cable.meet()
    yield cable
    cable.close()


def asked(cable, number, operation, **arguments):
    cable.send(remote.Command(number, operation, arguments))
    result = cable.wait_for(remote.Result)
    assert result.id == number
    return result.status, result.value


def acknowledged(cable, seconds):
    """How many blocks come in so many seconds; each is acknowledged."""
    count = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for message in cable.messages():
            if isinstance(message, up.Block):
                count += 1
                cable.send(down.Ack(message.boot, message.stream, message.next_seq, WINDOW))
    return count


def test_the_settings_come_in_pieces(cable):
    found = b""
    for number in range(1, 9):
        status, (size, piece) = asked(cable, number, "settings", offset=len(found))
        assert (status, size) == ("ok", len(OCTETS))
        found += piece
        if len(found) == size:
            break
    assert number > 1
    assert found == OCTETS


def test_what_it_does_not_know_or_cannot_take_changes_nothing(cable):
    assert asked(cable, 1, "dance") == ("unknown", None)
    status, words = asked(cable, 2, "maintenance", seconds=3601)
    assert status == "refused"
    assert "seconds: 3601 is not within 0 to 3600" in words
    assert asked(cable, 3, "settings")[0] == "refused"
    assert next(cable.blocks(0)).values


def test_an_order_that_is_repeated_is_obeyed_once_and_answered_again(cable):
    orders = [remote.Command(7, "maintenance", {"seconds": 600})] * 3  # as for a gateway that heard no answer
    orders.append(remote.Command(8, "maintenance", {"seconds": 0}))
    said, texts = [], []
    for order in orders:
        cable.send(order)
        while not isinstance(message := cable.wait_for(Message), remote.Result):
            texts += [message.text] if isinstance(message, up.Log) else []
        said.append((message.id, message.status))
    while not any("has ended" in text for text in texts):
        texts.append(cable.wait_for(up.Log).text)
    assert said == [(7, "ok")] * 3 + [(8, "ok")]
    assert sum("sampling is parked" in text for text in texts) == 1


def test_in_maintenance_no_chip_is_touched_and_it_ends(cable, board):
    assert asked(cable, 1, "maintenance", seconds=600) == ("ok", None)
    acknowledged(cable, 1.0)
    touched = len(board.accesses)
    assert acknowledged(cable, 1.0) == 0
    assert len(board.accesses) == touched
    assert asked(cable, 2, "maintenance", seconds=0) == ("ok", None)
    assert next(cable.blocks(1)).values


@pytest.mark.timeout(30)
def test_maintenance_ends_by_itself(cable):
    assert asked(cable, 1, "maintenance", seconds=2) == ("ok", None)
    acknowledged(cable, 0.5)
    assert cable.wait_for(up.Block, seconds=20.0).values


@pytest.mark.timeout(30)
def test_a_reset_waits_until_the_gateway_has_what_it_holds(cable):
    held = [cable.wait_for(up.Block), cable.wait_for(up.Block)]
    cable.send(remote.Command(1, "reset", {}))
    until = time.monotonic() + 2
    while time.monotonic() < until or not any(isinstance(message, remote.Result) for message in held):
        held += cable.messages()
    assert not [message for message in held if isinstance(message, up.Hello)]
    last = max((message for message in held if isinstance(message, up.Block)), key=lambda block: block.seq)
    cable.send(down.Ack(last.boot, last.stream, last.next_seq, WINDOW))
    hello = cable.wait_for(up.Hello)
    assert (hello.boot >> 16, hello.reset) == ((last.boot >> 16) + 1, "hard")


@pytest.mark.timeout(40)
def test_a_reset_takes_to_flash_what_nobody_acknowledges(cable):
    block = next(cable.blocks(0))
    assert asked(cable, 1, "reset") == ("ok", None)
    hello = cable.wait_for(up.Hello, seconds=30.0)
    while hello.boot == block.boot:  # three ACK timeouts make it ask who is there
        hello = cable.wait_for(up.Hello, seconds=30.0)
    assert [queued[0] for queued in hello.queued if queued[3] > queued[2]] == [block.boot]


def test_what_an_order_brought_is_let_go_after_a_minute_without_one():
    said = run_script(
        """
import sys
from firmware import orders
from wire import remote

class Ticks:
    ms = 5000
    def now_ms(self):
        return self.ms

ticks = Ticks()
obedient = orders.Orders("/", [], None, ticks, print)
obedient.answer(remote.Command(1, "maintenance", {"seconds": 70}))
for ticks.ms in (64999, 65000, 74999, 75000):
    print(obedient.look())
orders.leave()
print([name for name in ("firmware.orders", "firmware.modules", "wire.remote") if name in sys.modules])
"""
    )
    assert said.splitlines() == [
        "info maintenance: sampling is parked for 70 s",
        "True",
        "True",
        "True",
        "info maintenance has ended",
        "False",
        "[]",
    ]
