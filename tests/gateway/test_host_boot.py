"""gateway/host_boot.py; most of it is tested through the timeline."""

import pytest

from gateway.host_boot import PIECES, STORE_EVERY_NS, HostBoot, HostBootRecord
from tests.gateway.virtual_host import HOUR, UTC, S, VirtualClock


@pytest.fixture
def clock():
    return VirtualClock()


def test_a_wall_clock_that_steps_for_ever_stays_bounded(clock):
    host = HostBoot(HostBootRecord(number=1, boot_id="x", seen_ns=0, realtime_ns=0))
    for step in range(10 * PIECES):
        clock.now_ns, clock.wall_off_ns = step * S, step * HOUR
        host.observe(clock.reading())
    oldest_kept_off_ns = 9 * PIECES * HOUR
    assert host.utc(0)[0] == UTC + oldest_kept_off_ns


def test_a_stored_boot_is_as_uncertain_as_its_steps_were_far(clock):
    host = HostBoot(HostBootRecord(number=1, boot_id="x", seen_ns=0, realtime_ns=0))
    host.observe(clock.reading())
    clock.now_ns, clock.wall_off_ns = 20 * S, 30 * S
    host.observe(clock.reading())
    again = HostBoot(host.record())
    utc_ns, uncertainty_ns, _held = again.utc(15 * S)
    assert abs(utc_ns - (UTC + 15 * S)) <= uncertainty_ns
    assert uncertainty_ns < 31 * S


def test_belief_in_the_clock_is_stored_at_first_then_seldom(clock):
    host = HostBoot(HostBootRecord(number=1, boot_id="x", seen_ns=0, realtime_ns=0))
    wanted = []
    for second in range(3 * STORE_EVERY_NS // S):
        clock.now_ns = second * S
        wanted.append(host.observe(clock.reading()))
    assert wanted[0]
    assert sum(wanted) == 3
