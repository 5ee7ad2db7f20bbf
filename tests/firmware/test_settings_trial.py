"""New settings over the link: kept when they prove themselves, gone back from when they do not."""

import hashlib
import json

import pytest

from hil_tests.board import Wiring
from hil_tests.counts import COUNTED
from hil_tests.mistaken import with_mistake
from provisioning.application import build
from tests.firmware.flash_cuts import verdict
from tests.firmware.remote_life import RemoteLife

pytestmark = pytest.mark.timeout(60)
GROUPS = [{"name": "all", "sensors": [0, 1], "period_ms": 500, "scans": 2}]
OLD = json.dumps({"groups": GROUPS}).encode()
NEW = json.dumps({"node": {"name": "pier 3"}, "groups": [{**GROUPS[0], "period_ms": 400}]}).encode()
NOBODY_THERE = json.dumps({"link": {"via": "uart", "uart": {"tx": 32, "rx": 33}}, "groups": GROUPS}).encode()
# Only the start finds what does not fit into the descriptor.
TOO_LONG = json.dumps(
    {"sensors": [{"driver": "hx711", "cal": {"note": "x" * 1000}}], "groups": [{"name": "a", "sensors": [0]}]}
).encode()
NO_MEMORY = """

def _no_memory(self):
    raise MemoryError

Spill.save_all = _no_memory
"""
NO_CHIP = json.dumps(
    {
        "i2c": [{"scl": 32, "sda": 33}],
        "sensors": [{"driver": "bme280"}],
        "groups": [{"name": "a", "sensors": [0]}],
    }
).encode()


@pytest.fixture
def life(tmp_path):
    life = RemoteLife(tmp_path, {**build().files, "/settings.json": OLD}, wiring=Wiring(uarts=(1,)))
    life.until_good()
    yield life
    life.close()


def assert_old_in_force(life):
    assert life.file("/settings.json") == OLD
    assert life.file("/settings.new") is None
    assert life.ask("trial", what="settings") == ("ok", ["", hashlib.sha256(OLD).digest()])


def test_good_ones_are_kept_and_nothing_of_the_transfer_stays(life):
    life.try_out("settings", NEW)
    assert life.until_hello(2).trial == "settings"
    assert life.file("/settings.json") == OLD
    assert life.ask("trial", what="settings") == ("ok", ["settings", hashlib.sha256(OLD).digest()])
    life.time.run_for(20)
    assert life.ask("trial", what="settings") == ("ok", ["", hashlib.sha256(NEW).digest()])
    assert (life.file("/settings.json"), life.file("/settings.new")) == (NEW, None)
    assert life.boots == 2
    assert not [name for name in ("/failed", "/crash.txt") if life.file(name) is not None]


def test_with_nobody_at_the_new_link_the_node_comes_back_by_itself(life):
    before = life.time.monotonic_us()
    life.try_out("settings", NOBODY_THERE)
    hello = life.until_hello(2)
    assert 300 <= (life.time.monotonic_us() - before) / 1e6 < 340
    assert (hello.trial, life.boots) == ("", 3)
    assert hello.crash.startswith("settings on trial dropped")
    assert_old_in_force(life)
    # What was measured under the new ones is not lost.
    life.time.run_for(30)
    boots = sorted({record.boot for record in life.gateway.records})
    assert len(boots) == 3


def test_without_any_value_they_are_gone_back_from(life):
    life.try_out("settings", NO_CHIP, seconds=60)
    assert life.until_hello(2).trial == "settings"
    assert life.until_hello(3).crash.startswith("settings on trial dropped")
    assert_old_in_force(life)


def test_they_are_gone_back_from_even_where_nothing_can_be_taken_to_flash(tmp_path):
    files = with_mistake(firmware_spill=NO_MEMORY).files
    life = RemoteLife(tmp_path, {**files, "/settings.json": OLD}, wiring=Wiring(uarts=(1,)))
    life.until_good()
    life.try_out("settings", NOBODY_THERE, seconds=20)
    hello = life.until_hello(2, 60)
    assert (hello.trial, life.boots) == ("", 3)
    assert hello.crash.startswith("settings on trial dropped")
    assert_old_in_force(life)
    life.close()


def test_what_only_the_start_can_judge_is_dropped_there(life):
    life.try_out("settings", TOO_LONG)
    hello = life.until_hello(2)
    assert (hello.trial, life.boots) == ("", 2)
    assert "descriptor" in life.until_log("settings on trial dropped")
    assert_old_in_force(life)


def test_a_power_cut_leaves_the_trial_where_it_was(life):
    life.gateway.deaf = True
    life.time.run_for(1)
    life.gateway.deaf = False
    life.try_out("settings", NEW)
    life.gateway.deaf = True
    life.time.run_for(20)
    for _ in range(5):
        life.board.power_cut()
        life.time.run_for(20)
    assert (life.file("/settings.json"), life.file("/settings.new")) == (OLD, NEW)
    life.gateway.deaf = False
    life.time.run_for(60)
    assert life.ask("trial", what="settings") == ("ok", ["", hashlib.sha256(NEW).digest()])


def test_one_trial_at_a_time_and_only_of_what_is_there(life):
    assert life.ask("try", what="settings", seconds=300) == (
        "refused",
        "there is nothing to try: put it first",
    )
    assert life.put("settings", NEW, most=50)[0] == "more"
    assert life.ask("try", what="settings", seconds=300)[0] == "refused"
    assert life.put("settings", NEW) == ("ok", len(NEW))
    assert life.ask("try", what="settings", seconds=9)[0] == "refused"
    life.try_out("settings", NO_CHIP)
    assert life.until_hello(2).trial == "settings"
    assert life.put("settings", NEW) == ("ok", len(NEW))
    status, words = life.ask("try", what="settings", seconds=300)
    assert (status, "on trial" in words) == ("refused", True)


def test_at_a_power_cut_at_any_moment_the_old_ones_or_the_new_ones_are_in_force(tmp_path, record_property):
    life = RemoteLife(tmp_path, {**build().files, "/settings.json": OLD})
    life.until_good()
    recording = life.record_trial("settings", NEW)
    assert life.file("/settings.json") == NEW
    life.close()
    found = verdict(recording, whole_every=100)
    record_property(COUNTED, f"{found.cuts} power cuts in a change of settings, {len(found.found)} mistakes")
    old, new = (hashlib.sha256(octets).hexdigest() for octets in (OLD, NEW))
    assert found.found == []
    assert found.states == [["a", None, *settings] for settings in ((old, None), (old, new), (new, None))]
    assert found.cuts > 40
