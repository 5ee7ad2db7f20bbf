"""Somebody at the gateway has a node do something."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from hil_tests.bench import SETTINGS, Bench, NodeBoard, eventually, judge
from hil_tests.board import Wiring
from hil_tests.remote import as_file, command, remote
from provisioning.application import build
from provisioning.package import package

pytestmark = [pytest.mark.hil, pytest.mark.timeout(90)]


GOOD = {"node": {"name": "pier 3"}, **SETTINGS}
LONG = {**GOOD, "sensors": [{"driver": "bme280"}, {"driver": "hx711"}], "queue_octets": 24576}
DEAF = {"node": {"name": "node-1"}, **SETTINGS, "link": {"via": "uart", "uart": {"tx": 32, "rx": 33}}}
BAD = {"sensors": [{"driver": "hx711", "gain": 127}]}


def test_a_node_shows_its_settings_is_parked_and_reset_and_no_record_is_lost(bench: Bench) -> None:
    node = bench.node()
    bench.start_gateway()
    eventually(bench.received, 15)
    shown = remote(bench, node, "settings", "show")
    assert json.loads(shown.stdout) == {"node": {"name": "node-1"}, **SETTINGS}

    assert remote(bench, node, "maintenance", "600").returncode == 0
    reset = remote(bench, node, "reset", "--json")
    assert json.loads(reset.stdout)["answer"]["reset"] == "hard"
    first, second = node.cable.hellos()[0], node.cable.hellos()[-1]
    assert second.boot >> 16 == (first.boot >> 16) + 1
    eventually(lambda: any(each.boot == second.boot for each in bench.received()), 15)
    bench.settle()

    judge(bench, node)
    stored = {row.identity for row in bench.rows()}
    assert {each for each in node.cable.sent() if each.boot == first.boot} <= stored


def test_good_settings_are_kept_and_what_the_node_refuses_is_said_in_its_words(bench: Bench) -> None:
    node = bench.node()
    bench.start_gateway()
    eventually(bench.received, 15)
    refused = remote(bench, node, "settings", "set", as_file(bench, BAD))
    assert (refused.returncode, len(node.board.counters.boots)) == (1, 1)
    assert "refuses: sensors[0].gain: not one of 128, 64, 32" in refused.stderr

    kept = remote(bench, node, "settings", "set", as_file(bench, GOOD))
    assert (kept.returncode, "keeps them" in kept.stdout) == (0, True), kept.stderr
    assert json.loads(node.board.read_file("/settings.json")) == GOOD
    bench.settle()
    judge(bench, node)


def test_a_node_comes_back_from_settings_under_which_nobody_hears_it(bench: Bench) -> None:
    node = bench.node(wiring=Wiring(uarts=(1,)))  # nobody has that cable
    bench.start_gateway()
    eventually(bench.received, 15)
    before = node.board.read_file("/settings.json")
    back = remote(bench, node, "settings", "set", as_file(bench, DEAF), "--within", "10", "--json")
    told = json.loads(back.stdout)
    assert (back.returncode, told["state"], told["fault"]) == (1, "failed", "went_back"), told
    assert node.board.read_file("/settings.json") == before
    # The boot that nobody heard took its records to flash; they come home from seq 0 on.
    eventually(lambda: len({row.of.boot for row in bench.rows()}) == 3, 20)
    unheard = {row.of.boot for row in bench.rows()} - {each.boot for each in node.cable.hellos()}
    assert [row.seq for row in bench.rows() if row.of.boot in unheard][:3] == [0, 1, 2]


def test_a_new_application_runs_and_no_record_is_lost_or_late(bench: Bench) -> None:
    node = bench.node()
    bench.start_gateway()
    eventually(bench.received, 15)
    path = bench.gateway.state.parent / "application"
    path.write_bytes(package(replace(build(), version="9.9.9")))
    updating = subprocess.Popen(command(bench, node, "update", str(path)), stdout=subprocess.PIPE, text=True)
    eventually(lambda: node.board.counters.octets_down > 20_000, 30)
    # In the middle of the transfer no more than a second of blocks waits.
    eventually(lambda: len(node.cable.sent().keys() - node.cable.acknowledged()) < 8, 10)
    assert updating.poll() is None
    said, _ = updating.communicate(timeout=80)
    assert (updating.returncode, said) == (0, f"node {node.uid} runs fieldgate 9.9.9, and keeps it\n")
    assert json.loads(node.board.read_file("/slot.json")) == {"good": "b", "trial": None}
    bench.settle()
    judge(bench, node)


def replug(bench: Bench, node: NodeBoard) -> None:
    """Into another socket."""
    bench.unplug(node, "tty1")
    node.board.plug()
    bench.plug(node, "tty7")


CUTS: dict[str, Callable[[Bench, NodeBoard], None]] = {
    "cable": replug,
    "power": lambda _bench, node: node.board.power_cut(),
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_transfer_goes_on_after_a_cut(bench: Bench, cut: str) -> None:
    node = bench.node()
    bench.start_gateway()
    eventually(bench.received, 15)
    wanted = as_file(bench, LONG, spaces=7500)
    heard = node.board.counters.octets_down
    asking = subprocess.Popen(
        command(bench, node, "settings", "set", wanted),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: node.board.counters.octets_down > heard + 5000, 20)
    CUTS[cut](bench, node)
    said, complaints = asking.communicate(timeout=60)
    assert (asking.returncode, "keeps them" in said) == (0, True), complaints
    assert json.loads(node.board.read_file("/settings.json")) == LONG
    # Beside what the records needed: not all of it twice.
    assert node.board.counters.octets_down < heard + 14_000
