"""A node that sleeps, the real agent, and somebody who wants something of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hil_tests.bench import SETTINGS, Bench, NodeBoard, eventually, judge
from hil_tests.site import Site

pytestmark = [pytest.mark.hil, pytest.mark.timeout(120)]

ASLEEP = {**SETTINGS, "sleep": {"wake_ms": 5000, "send_every": 2, "link_s": 10}}
WINDOW_S = 12  # awake after power-on


def remote(bench: Bench, node: NodeBoard, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`fieldgate remote` about this node."""
    config = bench.gateway.state.parent / "remote.toml"
    config.write_text(f'[gateway]\nstate_directory = "{bench.gateway.state}"\n[[port]]\nglob = "/dev/x"\n')
    command = [sys.executable, "-m", "gateway.cli", "remote", node.uid, *arguments, "--config", str(config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=80, check=False)


def links(bench: Bench) -> list[str]:
    """Of all nodes, as `fieldgate status` has them."""
    status = bench.gateway.status()
    return [node.link for node in status.nodes] if status else []


def test_it_is_kept_awake_by_a_wish_that_waits_and_no_record_of_any_wake_is_lost(bench: Bench) -> None:
    node = bench.node(settings=ASLEEP)
    bench.start_gateway()
    eventually(bench.received, 15)
    eventually(lambda: node.board.pid is None, WINDOW_S + 10)

    kept = remote(bench, node, "awake", "--for", "2m")
    assert (kept.returncode, kept.stdout) == (0, f"node {node.uid} stays awake for 2 min\n"), kept.stderr
    assert "sleeps: this waits for its next contact" in kept.stderr
    shown = remote(bench, node, "settings", "show")
    assert json.loads(shown.stdout)["sleep"] == ASLEEP["sleep"]
    assert links(bench) == ["open"]

    assert remote(bench, node, "reset").returncode == 0
    eventually(lambda: node.board.pid is None, WINDOW_S + 20)
    wakes = node.board.counters.boots["deep_sleep"]
    eventually(lambda: node.board.counters.boots["deep_sleep"] >= wakes + 2, 20)
    eventually(lambda: node.board.pid is None, 10)
    bench.unplug(node, "tty1")
    eventually(lambda: links(bench) == ["asleep"], 5)
    bench.settle()
    judge(bench, node)
    boots = {row.of.boot for row in bench.rows()}
    assert len(boots) == 2  # one over all wakes, until the reset
    for boot in boots:
        seqs = sorted(row.seq for row in bench.rows() if row.of.boot == boot)
        assert seqs == list(range(len(seqs)))


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
