"""The firmware keeps within an ESP32's memory."""

import pytest

from benchmarks import node_memory, node_modules
from benchmarks.node_memory import BESIDE, BUDGETS, JUDGED
from hil_tests.counts import COUNTED
from hil_tests.interpreters import ProgramMissing

SECONDS = 30  # the readings of five minutes; the queue is in flash long before where nobody listens
pytestmark = pytest.mark.timeout(SECONDS + node_memory.END_WITHIN_S + 40)


@pytest.fixture(scope="module")
def figures():
    try:
        return node_memory.measure(SECONDS)
    except ProgramMissing as missing:
        pytest.skip(str(missing))


def test_a_running_node_keeps_every_budget(figures, record_property):
    there = figures[JUDGED, True]
    record_property(COUNTED, f"{there['free']} octets free, {there['high_water']} at the high-water mark")
    assert there["dropped"] == 0
    assert "firmware.flash_queue" in figures[JUDGED, False]["modules"]  # nobody was there
    assert not node_memory.over_budget(figures), node_memory.report(figures)


def test_a_figure_over_its_budget_is_named():
    judged = [budget for budget in BUDGETS if budget.limit()]
    for broken in judged:
        figures = {(JUDGED, True): {}, (JUDGED, False): {}}
        for budget in BUDGETS:
            beyond = budget is broken
            octets = budget.most + beyond if budget.most is not None else (budget.least or 0) - beyond
            figures[JUDGED, budget.answered][budget.key] = octets
        assert node_memory.over_budget(figures) == [broken]


def test_the_report_sets_both_interpreters_side_by_side(figures):
    lines = node_memory.report(figures).splitlines()
    [line] = [line for line in lines if line.startswith("heap free, gateway there")]
    free = [figures[kind, True]["free"] for kind in (JUDGED, BESIDE)]
    assert line.split()[4:7] == [str(free[0]), str(free[1]), f"{free[0] / free[1]:.2f}"]


def test_what_is_needed_at_the_start_only_is_let_go(figures):
    kept = set(figures[JUDGED, True]["modules"])
    assert {"firmware.app", "wire.node_session", "drivers.bme280"} <= kept
    start_only = {"firmware.settings", "firmware.descriptor", "firmware.plan", "firmware.ports", "wire.up"}
    assert not (start_only | {"wire.floats", "wire.up_fields", "wire.compat"}) & kept


def test_every_module_of_the_application_has_its_cost(figures):
    rows = node_modules.costs(figures[JUDGED, True]["modules"])
    assert [row.module for row in rows] == node_modules.in_order()
    assert all(row.octets > 0 for row in rows)
    node_octets = node_memory.HEAP_OCTETS - figures[JUDGED, True]["free"]
    assert sum(row.octets for row in rows if row.kept) < node_octets
    assert "wire.cbor" in node_modules.table(rows)
