"""Somebody at the gateway has a node do something."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from hil_tests.bench import SETTINGS, Bench, NodeBoard, eventually, judge

pytestmark = [pytest.mark.hil, pytest.mark.timeout(90)]


def remote(bench: Bench, node: NodeBoard, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`fieldgate remote` about this node, to its end."""
    config = bench.gateway.state.parent / "remote.toml"
    config.write_text(f'[gateway]\nstate_directory = "{bench.gateway.state}"\n[[port]]\nglob = "/dev/x"\n')
    command = [sys.executable, "-m", "gateway.cli", "remote", node.uid, *arguments, "--config", str(config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


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
