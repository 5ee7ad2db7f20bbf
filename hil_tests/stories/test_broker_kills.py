"""A few rounds of what scripts/soak does for longer: a real gateway whose broker dies again and again.

tests/gateway/sinks/test_mqtt_killed_broker.py kills fifty times, with a sink that does not pause.
"""

from __future__ import annotations

import pytest

from hil_tests.faults.broker_kills import broker_kills

pytestmark = [pytest.mark.hil, pytest.mark.timeout(240)]

KILLS = 3
SEED = 1


def test_a_gateway_whose_broker_dies_again_and_again_loses_no_block() -> None:
    counts = broker_kills(SEED, KILLS)
    assert (counts.mistakes, counts.lost, counts.kills) == ([], 0, KILLS)
    assert counts.rows > 100
