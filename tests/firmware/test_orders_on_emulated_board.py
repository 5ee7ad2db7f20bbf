"""What a node does when the gateway has it do something."""

import json

import pytest

from hil_tests.mistaken import with_mistake
from provisioning.application import build
from tests.firmware.node import run_script
from tests.firmware.remote_life import RemoteLife
from wire import remote, up

SETTINGS = {
    "node": {"name": "north pier", "site": "x" * 60},
    "sensors": [{"driver": "bme280", "cal": {"note": "y" * 60}}, {"driver": "hx711"}],
    "groups": [
        {"name": "air", "sensors": [0], "period_ms": 200, "scans": 2},
        {"name": "load", "sensors": [1], "period_ms": 100, "scans": 4},
    ],
    "health_ms": 0,
}
OCTETS = json.dumps(SETTINGS, indent=4).encode()  # too long for one RESULT
NO_MEMORY = """

def _no_memory(self):
    raise MemoryError

Spill.save_all = _no_memory
"""
HELD_S = 3  # of what nobody acknowledges


@pytest.fixture
def life(tmp_path):
    life = RemoteLife(tmp_path, {**build().files, "/settings.json": OCTETS})
    life.until_good()
    assert not any("defaults in use" in text for text in life.gateway.logs)
    yield life
    life.close()


def seqs(life, boot):
    return [record.seq for record in life.gateway.records if record.boot == boot]


def test_the_settings_come_in_pieces(life):
    found = b""
    pieces = 0
    while len(found) < len(OCTETS):
        status, (size, piece) = life.ask("settings", offset=len(found))
        assert (status, size) == ("ok", len(OCTETS))
        found += piece
        pieces += 1
    assert pieces > 1
    assert found == OCTETS


def test_what_it_does_not_know_or_cannot_take_changes_nothing(life):
    assert life.ask("dance") == ("unknown", None)
    status, words = life.ask("maintenance", seconds=3601)
    assert status == "refused"
    assert "seconds: 3601 is not within 0 to 3600" in words
    assert life.ask("settings")[0] == "refused"
    taken = len(life.gateway.records)
    life.time.run_for(2)
    assert len(life.gateway.records) >= taken + 8


def test_an_order_that_is_repeated_is_obeyed_once_and_answered_again(life):
    orders = [remote.Command(7, "maintenance", {"seconds": 600})] * 3  # as for a gateway that heard no answer
    for order in [*orders, remote.Command(8, "maintenance", {"seconds": 0})]:
        answers = len(life.gateway.results)
        life.gateway.send(order)
        life.time.run_until(lambda answers=answers: len(life.gateway.results) > answers, 10)
    life.until_log("has ended")
    assert [(result.id, result.status) for result in life.gateway.results] == [(7, "ok")] * 3 + [(8, "ok")]
    assert sum("sampling is parked" in text for text in life.gateway.logs) == 1


def test_in_maintenance_no_chip_is_touched_and_it_ends(life):
    assert life.ask("maintenance", seconds=600) == ("ok", None)
    life.time.run_for(2)
    touched, taken = len(life.board.accesses), len(life.gateway.records)
    life.time.run_for(30)
    assert (len(life.board.accesses), len(life.gateway.records)) == (touched, taken)
    assert life.ask("maintenance", seconds=0) == ("ok", None)
    life.time.run_until(lambda: len(life.gateway.records) > taken + 2, 3)


def test_maintenance_ends_by_itself(life):
    assert life.ask("maintenance", seconds=30) == ("ok", None)
    life.time.run_for(2)
    taken = len(life.gateway.records)
    life.time.run_for(26)
    assert len(life.gateway.records) == taken
    life.time.run_for(10)
    assert len(life.gateway.records) > taken + 10


def test_a_reset_waits_until_the_gateway_has_what_it_holds(life):
    boot = life.gateway.hellos[-1].boot
    life.gateway.deaf = True
    life.time.run_for(HELD_S)
    life.gateway.send(remote.Command(1, "reset", {}))
    life.time.run_for(2)
    assert life.boots == 1
    life.gateway.deaf = False
    hello = life.until_hello(2, 20)
    assert (hello.boot >> 16, hello.reset) == ((boot >> 16) + 1, "hard")
    assert [queued for queued in hello.queued if queued[0] == boot] == []
    assert seqs(life, boot) == list(range(len(seqs(life, boot))))


def test_a_reset_takes_to_flash_what_nobody_acknowledges(life):
    boot, taken = life.gateway.hellos[-1].boot, len(life.gateway.records)
    life.gateway.deaf = True
    life.time.run_for(HELD_S)
    life.gateway.send(remote.Command(1, "reset", {}))
    life.until_starts(2, 60)
    life.gateway.deaf = False
    hello = life.until_hello(2, 20)
    assert {queued[0] for queued in hello.queued if queued[3] > queued[2]} - {hello.boot} == {boot}
    life.time.run_for(10)
    assert seqs(life, boot) == list(range(len(seqs(life, boot))))
    assert len(seqs(life, boot)) > taken + 4 * HELD_S
    assert not any(isinstance(record, up.Gap) for record in life.gateway.records)


def test_a_reset_comes_even_where_nothing_can_be_taken_to_flash(tmp_path):
    files = with_mistake(firmware_spill=NO_MEMORY).files
    life = RemoteLife(tmp_path, {**files, "/settings.json": OCTETS})
    life.until_good()
    life.gateway.deaf = True
    life.time.run_for(HELD_S)
    life.gateway.send(remote.Command(1, "reset", {}))
    life.until_starts(2, 20)
    life.gateway.deaf = False
    life.until_hello(2, 20)
    life.time.run_for(5)
    assert not any("failed" in text for text in life.gateway.logs)  # it was wanted all the same
    life.close()


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
obedient = orders.Orders("/", [], None, ticks, print, None, None)
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
