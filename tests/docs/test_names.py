"""The manuals name what the code says, and nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.counters import OTHER, REFUSED_SUBJECTS
from gateway.errand import ErrandFault
from gateway.line import LOST_REASON, UNREADABLE
from gateway.link_state import LinkState
from gateway.mounts import CONCERNS
from gateway.node_clock import TimeState
from gateway.node_health import NodeFault
from gateway.port import PortState
from gateway.readings import UNNAMED_FAULT
from gateway.serial_port import OpenFault
from gateway.sinks.confirmation import ConsumerState
from gateway.sinks.sink_state import SinkState
from gateway.state_directory import NEXT_STEPS
from gateway.store import StoreState
from gateway.store.quarantine import DAMAGED, QUARANTINED, SALVAGING
from gateway.store.quota import DROPPING, REFUSING
from wire import faults

ROOT = Path(__file__).resolve().parents[2]
OPERATOR = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")
INTEGRATOR = (ROOT / "docs" / "integrator.md").read_text(encoding="utf-8")
WORD = re.compile(r"[a-z][a-z0-9_]*")
QUOTED = re.compile(r"`([a-z][a-z0-9_]*)`")


def calls(name: str, *folders: str) -> Iterator[ast.Call]:
    """Every call of a function or method of that name."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    called = node.func
                    if getattr(called, "attr", getattr(called, "id", "")) == name:
                        yield node


def texts(name: str, at: int, *folders: str) -> set[str]:
    """The texts that stand as argument number `at` in these calls."""
    found = [call.args[at] for call in calls(name, *folders) if len(call.args) > at]
    constants = {str(each.value) for each in found if isinstance(each, ast.Constant)}
    return {each for each in constants if WORD.fullmatch(each)}


COUNTERS = texts("count", 0, "gateway") | {f"port_{fault}" for fault in OpenFault} | {OTHER, REFUSED_SUBJECTS}
CONDITIONS = texts("set", 1, "gateway")
FRAMES = texts("_refuse", 0, "wire")
# What only an encoder raises (type), or only whoever reads a stored record (block_shape), is no refusal.
MESSAGES = texts("WireError", 0, "wire", "gateway") - {"type", "block_shape"}
STORE = {
    "missing",
    "moved",
    *("full", "no_inodes", "io", "read_only", "denied", "busy", "corrupt", "database", "pragma", "in_use"),
    "newer",
}
UNPUBLISHED = texts("Unreadable", 0, "gateway")
CONNECTION = texts("ConnectionLost", 0, "gateway") | {"ended_by_broker"}


def section(text: str, heading: str) -> str:
    """From a heading to the next one of its level or a higher one."""
    level = heading.partition(" ")[0]
    begin = text.index(f"\n{heading}\n")
    end = re.compile(rf"^#{{1,{len(level)}}} ", re.MULTILINE).search(text, begin + len(heading) + 2)
    return text[begin : end.start() if end else len(text)]


def first_cells(text: str) -> set[str]:
    """The quoted words in the first column of a section's tables."""
    lines = text.splitlines()
    rows = [
        line.split("|")[1]
        for line, below in zip(lines, [*lines[1:], ""], strict=True)
        if line.startswith("| `") and not below.startswith("|-")
    ]
    return {word for cell in rows for word in QUOTED.findall(cell)}


def test_the_names_are_found_in_the_code():
    assert {"hellos", "mqtt_refused", "port_denied"} <= COUNTERS
    assert {"bad_fcs", "too_long"} <= FRAMES
    assert {"bad_field", "tag"} <= MESSAGES
    assert {"too_many_ports", "degraded"} <= CONDITIONS
    assert {"descriptor_field", "impossible_time"} <= UNPUBLISHED


def test_the_operators_counters_are_those_of_the_code():
    assert first_cells(section(OPERATOR, "## Counters")) == COUNTERS


def test_the_operators_ports_and_lines_are_those_of_the_code():
    found = first_cells(section(OPERATOR, "### Ports and lines"))
    shown = {PortState.OPENING, PortState.OPEN, PortState.BUSY}  # no faults
    assert found == (set(PortState) - shown) | (CONDITIONS - set(StoreState)) | FRAMES | MESSAGES
    assert shown <= set(QUOTED.findall(section(OPERATOR, "### Ports and lines")))


def test_the_operators_states_of_the_store_are_those_of_the_code():
    found = first_cells(section(OPERATOR, "### Store"))
    assert found - STORE == {
        *StoreState,
        UNREADABLE,
        QUARANTINED,
        SALVAGING,
        DAMAGED,
        *CONCERNS,
        DROPPING,
        REFUSING,
    }
    assert found >= STORE
    source = (ROOT / "gateway" / "store" / "errors.py").read_text(encoding="utf-8")
    assert {word for word in STORE if word not in source} == set()
    assert set(NEXT_STEPS) <= STORE


def test_the_operators_faults_of_a_node_are_those_of_the_code():
    assert first_cells(section(OPERATOR, "### Nodes")) == set(NodeFault)


def test_the_operators_states_of_a_sink_are_those_of_the_code():
    text = section(OPERATOR, "### Sinks")
    assert first_cells(text) == set(SinkState)
    assert set(QUOTED.findall(text)) >= CONNECTION


def test_the_operators_faults_of_an_errand_are_those_of_the_code():
    assert first_cells(section(OPERATOR, "## Have a node do something")) == set(ErrandFault)


def test_the_operators_states_of_a_consumer_are_those_of_the_code():
    assert first_cells(section(OPERATOR, "### Consumers")) == set(ConsumerState)


@pytest.mark.parametrize("state", [*LinkState, *TimeState])
def test_the_operator_is_told_every_state_of_a_node(state):
    assert f"`{state}`" in section(OPERATOR, "## fieldgate status")


def test_the_integrators_reasons_for_a_missing_value_are_those_of_the_code():
    found = first_cells(section(INTEGRATOR, "### A value that is missing"))
    assert found == {fault.name for fault in faults.ALL} | {UNNAMED_FAULT}


def test_the_integrators_faults_of_a_raw_record_are_those_of_the_code():
    assert first_cells(section(INTEGRATOR, "## Raw")) == UNPUBLISHED | {"too_large"}


def test_the_integrators_time_states_are_those_of_the_code():
    assert first_cells(section(INTEGRATOR, "## Time states")) == set(TimeState)


def test_the_integrator_is_told_every_reason_of_a_gap():
    firmware = (ROOT / "firmware/spill.py").read_text() + (ROOT / "firmware/flash_queue.py").read_text()
    reasons = re.findall(r'^(?:QUEUE_FULL|DAMAGED) = "(\w+)"', firmware, re.MULTILINE)
    text = section(INTEGRATOR, "## Gaps")
    assert len(reasons) == 2
    assert all(f"`{reason}`" in text for reason in reasons)
    assert f"`{LOST_REASON}`" in text
