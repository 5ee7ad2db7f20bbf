"""A node that sleeps, the real agent, and somebody who wants something of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hil_tests.bench import SETTINGS, Bench, eventually, judge
from hil_tests.dated import assert_honest, dated, errors_s
from hil_tests.remote import as_file, remote
from hil_tests.site import Site

pytestmark = [pytest.mark.hil, pytest.mark.timeout(180)]

ASLEEP = {**SETTINGS, "sleep": {"wake_ms": 5000, "send_every": 2, "link_s": 10}}
USEFUL_S = 0.5  # what a clock that may be 1 % off makes of ten seconds, and what a busy machine adds


def links(bench: Bench) -> list[str]:
    """Of all nodes, as `fieldgate status` has them."""
    status = bench.gateway.status()
    return [node.link for node in status.nodes] if status else []


def test_it_is_kept_awake_by_a_wish_that_waits_and_no_record_of_any_wake_is_lost(bench: Bench) -> None:
    node = bench.node(settings=ASLEEP)
    node.board.set_slow_clock(5_000)
    bench.start_gateway()
    eventually(bench.received, 15)
    eventually(lambda: node.board.counters.boots["deep_sleep"] == 4, 80)  # two contacts more
    eventually(lambda: node.board.pid is None, 10)
    bench.unplug(node, "tty1")
    eventually(lambda: links(bench) == ["asleep"], 5)
    bench.gateway.stop()
    bench.start_gateway()  # it has heard nobody yet, and knows whom to await
    eventually(lambda: links(bench) == ["asleep"], 10)
    node.board.plug()
    bench.plug(node, "tty1")

    kept = remote(bench, node, "awake", "--for", "2m")
    assert (kept.returncode, kept.stdout) == (0, f"node {node.uid} stays awake for 2 min\n"), kept.stderr
    assert "sleeps: this waits for its next contact" in kept.stderr
    assert links(bench) == ["open"]
    shown = remote(bench, node, "settings", "show")
    wanted = {**json.loads(shown.stdout), "node": {"name": "forest"}}
    tried = remote(bench, node, "settings", "set", as_file(bench, wanted))
    assert (tried.returncode, "keeps them" in tried.stdout) == (0, True), tried.stderr
    bench.settle()
    judge(bench, node)
    boots = {row.of.boot for row in bench.rows()}
    assert len(boots) == 2  # one over all wakes, until the settings were others
    for boot in boots:
        seqs = sorted(row.seq for row in bench.rows() if row.of.boot == boot)
        assert seqs == list(range(len(seqs)))
    air = dated(bench, "air_temperature")
    assert_honest(errors_s(air, "air_temperature", node.truth.temperatures()))
    assert {each.state for each in air} <= {"resolved", "provisional"}
    assert sum(each.state == "resolved" for each in air) > len(air) / 2
    assert max(each.uncertainty_s for each in air if each.state == "resolved") < USEFUL_S


def test_over_wifi_it_joins_only_to_tell(tmp_path: Path) -> None:
    with Site(tmp_path) as site, Bench(tmp_path, settings=site.gateway()) as bench:
        settings = {**site.link(), "sleep": ASLEEP["sleep"]}
        node = bench.node(settings=settings, plugged=False, access_point=site.access_point)
        bench.start_gateway()
        eventually(lambda: node.board.counters.boots["deep_sleep"] == 2, 60)
        joined = len(bench.received())
        eventually(lambda: len(bench.received()) > joined, 20)
        eventually(lambda: node.board.pid is None, 20)
        bench.settle()
        assert [row.seq for row in bench.rows()] == list(range(len(bench.rows())))
        assert len({row.of.boot for row in bench.rows()}) == 1
