"""What a node tells of itself, as a group of readings behind those of its settings."""

import pytest

from firmware.settings import Settings, SettingsError
from provisioning.application import build
from tests.firmware.launched import choice, slot_files
from tests.firmware.virtual_node import virtual_node
from wire import faults

AIR, HEALTH = 0, 1
SETTINGS = {
    "sensors": [{"driver": "bme280"}],
    "groups": [{"name": "air", "sensors": [0], "period_ms": 500, "scans": 1}],
}
WELL = {
    "heap_piece": 4096,
    "queue_flash": 0,
    "flash_fault": 0,
    "flash_written": 0,
    "flash_erases": 0,
    "records_lost": 0,
    "frames_refused": 0,
    "slots_missed": 0,
    "sensors_given_up": 0,
    "reset_cause": 1,
}


def test_a_node_tells_its_health_after_five_seconds_and_then_once_a_minute(tmp_path):
    with virtual_node(tmp_path, SETTINGS) as node:
        node.time.run_for(70)
        told = node.blocks(HEALTH)
        health = node.gateway.health()
    assert {key: health[key] for key in WELL} == WELL
    assert 4096 < health["heap_free"] < 200_000
    assert 0 <= health["queue_ram"] < 1000
    assert told[0].t_first == pytest.approx(5_000_000, abs=1_000_000)  # since the power is there
    assert [block.t_first - told[0].t_first for block in told] == [0, pytest.approx(60_000_000, rel=0.01)]
    assert [block.exceptions for block in told] == [{}, {}]


def test_a_node_whose_settings_say_so_tells_no_health(tmp_path):
    with virtual_node(tmp_path, {**SETTINGS, "health_ms": 0}) as node:
        node.time.run_for(70)
        assert node.blocks(AIR)
        assert node.blocks(HEALTH) == []


def test_what_an_outage_put_into_flash_and_what_it_wore_is_told_afterwards(tmp_path):
    with virtual_node(tmp_path, {**SETTINGS, "health_ms": 5000}) as node:
        node.time.run_for(10)
        node.gateway.deaf = True
        node.time.run_for(130)
        node.gateway.deaf = False
        node.time.run_for(60)
        told = [block.values for block in node.blocks(HEALTH)]
        health = node.gateway.health()
    names = list(health)
    waiting = [values[names.index("queue_flash")] for values in told]
    assert 0 < max(waiting) < 100_000
    assert {octets % 4096 for octets in waiting} == {0}
    assert waiting[-1] == 0
    assert max(values[names.index("queue_ram")] for values in told) > 1000
    assert health["flash_written"] >= max(waiting) / 2
    assert 0 < health["flash_erases"] <= 2 * max(waiting) // 4096 + 1
    assert health["records_lost"] == health["flash_fault"] == 0


def test_records_that_made_room_and_frames_that_were_none_are_counted(tmp_path):
    narrow = {"queue_octets": 2048, "queue_flash_octets": 0, "health_ms": 5000}
    with virtual_node(tmp_path, {**SETTINGS, **narrow}) as node:
        node.time.run_for(10)
        node.gateway.deaf = True
        node.time.run_for(40)
        node.gateway.deaf = False
        node.time.run_for(1)
        for _ in range(3):
            node.board.type(b"\x7e\x81\x18\x63\x7e")
        node.time.run_for(60)
        gaps = [record for record in node.gateway.records if not hasattr(record, "group")]
        health = node.gateway.health()
    named = sum(gap.next_seq - gap.seq for gap in gaps)
    assert 30 < named <= health["records_lost"] <= named + 5  # one that was on its way may have arrived
    assert health["frames_refused"] == 3


def test_slots_that_a_group_missed_are_counted(tmp_path):
    hasty = {"name": "air", "sensors": [0], "period_ms": 10, "scans": 20}
    with virtual_node(tmp_path, {**SETTINGS, "groups": [hasty], "health_ms": 5000}) as node:
        node.time.run_for(7)
        at = node.blocks(HEALTH)[0].t_first
        named = sum(
            list(block.exceptions.values()).count(faults.MISSED.code)
            for block in node.blocks(AIR)
            if block.t_first + block.span < at
        )
        assert node.gateway.health()["slots_missed"] == pytest.approx(named / 3, abs=20)
        assert named > 100


def test_why_it_started_is_told_as_the_chips_number(tmp_path):
    with virtual_node(tmp_path, SETTINGS) as node:
        node.time.run_for(10)
        node.board.type(b"\x03")
        node.time.run_for(1)
        node.board.type(b"\x03\x04")  # what the gateway said meanwhile was typing for the REPL
        node.time.run_for(10)
        assert node.gateway.hellos[-1].reset == "soft"
        assert node.gateway.health()["reset_cause"] == 5


@pytest.mark.parametrize("health_ms", [0, 5000, 3600000])
def test_a_node_tells_its_health_at_multiples_of_five_seconds_or_never(health_ms):
    assert Settings({}).health_ms == 60000
    assert Settings({"health_ms": health_ms}).health_ms == health_ms


def test_a_group_may_be_called_health_where_the_node_has_none_of_its_own():
    values = {**SETTINGS, "groups": [{"name": "health", "sensors": [0]}]}
    with pytest.raises(SettingsError, match=r"groups\[0\].name: used twice, or health"):
        Settings(values)
    assert Settings({**values, "health_ms": 0}).groups[0]["name"] == "health"


def test_a_node_that_sleeps_tells_its_health_in_each_contact(tmp_path):
    sleeping = {**SETTINGS, "sleep": {"wake_ms": 10_000, "send_every": 3}}
    with virtual_node(tmp_path, sleeping) as node:
        node.time.run_for(100)
        assert len(node.gateway.hellos) >= 3
        told = node.blocks(HEALTH)
        assert len(told) == len(node.gateway.hellos)
        assert node.gateway.health()["reset_cause"] == 4


def test_a_descriptor_without_room_for_it_costs_the_group_and_nothing_else(tmp_path):
    wordy = {**SETTINGS, "sensors": [{"driver": "bme280", "cal": {"note": "x" * 200}}]}
    on_trial = {**slot_files(build(), "b"), **choice("a", "b")}
    with virtual_node(tmp_path, wordy, files=on_trial) as node:
        node.time.run_for(20)
        assert {(hello.trial, hello.crash) for hello in node.gateway.hellos} == {("application", "")}
        assert any("no group health: the descriptor has no room for it" in line for line in node.gateway.logs)
        assert [group["name"] for group in node.gateway.descriptor["groups"]] == ["air"]
        assert node.blocks(AIR)
        assert node.blocks(HEALTH) == []


def test_a_flash_that_does_not_take_the_description_costs_memory_and_nothing_else(tmp_path):
    with virtual_node(tmp_path, SETTINGS, files={"/describe/in-its-way": b""}) as node:
        node.time.run_for(20)
        assert [group["name"] for group in node.gateway.descriptor["groups"]] == ["air", "health"]
        assert node.blocks(AIR)
