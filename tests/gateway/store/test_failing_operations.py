"""Every write, truncation and sync of a life fails once, in each way it can; nothing acknowledged is lost."""

import logging

import pytest

from hil_tests.counts import COUNTED
from hil_tests.faults import mistakes
from hil_tests.faults.disk import Kind
from hil_tests.faults.failing_operations import fail_each

SEED = 1


@pytest.fixture(autouse=True)
def _the_log_is_quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(600)
def test_whichever_operation_fails_nothing_acknowledged_is_lost(record_property):
    counts = fail_each(SEED)
    said = (
        f"{counts.operations} operations, {counts.failures} failures, {counts.images} power cuts after them"
    )
    record_property(COUNTED, f"{said}, {counts.lost} lost")
    assert counts.mistakes == []
    assert counts.lost == 0
    assert counts.operations > 100
    assert counts.failures > 2 * counts.operations  # a write fails in three ways
    assert counts.images > 7 * counts.failures


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "mistake", [mistakes.no_checkpoint_at_open, mistakes.former_wal_trusted, mistakes.welcome_before_proof]
)
def test_a_store_that_trusts_a_former_process_is_found_out(mistake):
    with mistake():
        assert fail_each(SEED, {Kind.SYNC}).mistakes, "nobody noticed"
