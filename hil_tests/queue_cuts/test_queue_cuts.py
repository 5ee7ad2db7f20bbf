"""The power is cut in every operation of the node's flash, and its queue keeps what it promised."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil_tests.board.shim import shim_directory
from hil_tests.counts import COUNTED
from hil_tests.interpreters import micropython

ROOT = Path(__file__).resolve().parents[2]
CHILD = Path(__file__).with_name("child")
CUTS_LEAST = 2000
SEEDS = (1, 8)  # lives with boots, gaps, late ACKs and a full file system
STEPS = 10  # after the outage and the boot that every life begins with
ERASES_MOST = 300  # a day, one BME280 a second and nobody there
MISTAKES = ("no_sync", "free_before_ack", "two_identities", "remove_before_gap")

pytestmark = [pytest.mark.hil, pytest.mark.timeout(180)]


def replay(*seeds: int, mistake: str = "") -> dict[str, Any]:
    """How many cuts there were, and what was wrong."""
    return run("on_board.py", {"seeds": seeds, "steps": STEPS, "mistake": mistake})


def run(program: str, wish: dict[str, Any]) -> dict[str, Any]:
    """What a program of child/ printed."""
    done = subprocess.run(
        [micropython("native"), "-X", "heapsize=16m", CHILD / program, json.dumps(wish)],
        env={**os.environ, "MICROPYPATH": f"{CHILD}:{ROOT}:{shim_directory()}:.frozen"},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_nothing_is_lost_and_nothing_has_two_identities_whenever_the_power_is_cut(
    record_property: Callable[[str, object], None],
) -> None:
    found = replay(*SEEDS)
    record_property(COUNTED, f"{found['cuts']} power cuts in a node's flash, {len(found['found'])} mistakes")
    assert found["found"] == []
    assert found["cuts"] >= CUTS_LEAST


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_node_with_a_mistake_is_found(mistake: str) -> None:
    assert replay(SEEDS[-1], mistake=mistake)["found"]


@pytest.mark.parametrize("days", [1.0, 2.5], ids=["filling", "full"])
def test_a_day_alone_costs_few_erases_spread_over_the_flash_and_the_node_knows(days: float) -> None:
    wear = run("wear.py", {"days": days})
    assert 100 < wear["erases"] < ERASES_MOST
    assert wear["estimate"] == pytest.approx(wear["erases"], rel=0.25)
    assert wear["most_of_one_block"] < 20
    assert (wear["dropped"] > 0) == (days > 2)
