"""gateway/timeline.py over several boots of the host: bounds and witnesses."""

import dataclasses

import pytest

from gateway.host_clock import NO_EARLIER_NS, UNSYNCHRONISED_NS
from gateway.node_clock import Exchange, TimeState
from gateway.store import Store
from gateway.timeline import Timeline
from tests.gateway.shelf import Shelf
from tests.gateway.virtual_host import HOUR, MS, UTC, S, VirtualClock

STAYS, OTHER = b"stays!", b"other!"
US = 1000


@pytest.fixture
def shelf():
    return Shelf()


def host(name, booted_ns, **facts):
    """A boot of the host at that UTC after the first."""
    return VirtualClock(boot_id=name, booted_utc_ns=UTC + booted_ns, **facts)


def lost(name, booted_ns):
    """One that never learns the time and begins in 1970."""
    return host(name, booted_ns, synchronised=False, wall_off_ns=-UTC - booted_ns)


def lived(shelf, clock, *, lasts_ns=300 * S, nodes=((OTHER, 1),)):
    """The boot runs for so long and measures these nodes, all of which booted at the first UTC."""
    timeline = Timeline(shelf, clock)
    end_ns = clock.now_ns + lasts_ns
    while clock.now_ns < end_ns:
        ticks = (clock.booted_utc_ns - UTC + clock.now_ns) // US
        stamps = {
            "t1_ns": clock.now_ns - MS // 2,
            "t2_us": ticks,
            "t3_us": ticks,
            "t4_ns": clock.now_ns + MS // 2,
        }
        for uid, boot in nodes:
            timeline.exchange(uid, boot, Exchange(**stamps))
        clock.now_ns += 10 * S
    timeline.keep()
    return timeline


def asked(timeline, clock, boottime_ns, *, uid=OTHER, boot=1, host_boot=2):
    """UTC of a record of that moment of the boot, and how far beyond its bounds the truth is."""
    true_ns = clock.booted_utc_ns + boottime_ns
    instant = timeline.utc(uid, boot, (true_ns - UTC) // US, arrived_ns=boottime_ns + S, host_boot=host_boot)
    return instant, abs(instant.utc_ns - true_ns) - instant.uncertainty_ns


def test_a_boot_that_never_knew_lies_between_its_neighbours_and_took_its_time(shelf):
    lived(shelf, host("first", 0), lasts_ns=600 * S)
    unknown = lost("lost", HOUR)
    lived(shelf, unknown, lasts_ns=1200 * S, nodes=((OTHER, 2),))
    timeline = lived(shelf, host("last", 2 * HOUR))
    instant, beyond = asked(timeline, unknown, 600 * S, boot=2)
    assert instant.state is TimeState.INTERVAL
    assert beyond <= 0
    free_ns = 2 * HOUR - 610 * S - 1210 * S  # what is left when both boots' lengths are taken away
    assert instant.uncertainty_ns == pytest.approx(free_ns / 2, rel=0.01)


def test_of_two_boots_that_never_knew_each_leaves_room_for_the_other(shelf):
    lived(shelf, host("first", 0), lasts_ns=600 * S)
    unknown = [lost("one", HOUR), lost("two", HOUR + 2000 * S)]
    for boot, clock in enumerate(unknown, 2):
        lived(shelf, clock, lasts_ns=1200 * S, nodes=((OTHER, boot),))
    timeline = lived(shelf, host("last", 2 * HOUR))
    for boot, clock in enumerate(unknown, 2):
        instant, beyond = asked(timeline, clock, 600 * S, boot=boot, host_boot=boot)
        assert instant.state is TimeState.INTERVAL
        assert beyond <= 0
        assert instant.uncertainty_ns < (2 * HOUR - 600 * S - 2400 * S) // 2


def test_boots_of_another_machine_are_no_neighbours(shelf):
    lived(shelf, host("first", 0))
    unknown = lost("lost", HOUR)
    lived(shelf, unknown, nodes=((OTHER, 2),))
    lived(shelf, host("theirs", 2 * HOUR))
    shelf.boots[3] = dataclasses.replace(shelf.boots[3], machine="another gateway")
    timeline = Timeline(shelf, lost("present", 3 * HOUR))
    instant, beyond = asked(timeline, unknown, 100 * S, boot=2)
    assert instant.state is TimeState.PROVISIONAL  # nobody of this machine came after it
    assert instant.uncertainty_ns >= UNSYNCHRONISED_NS
    assert beyond <= 0


def test_a_node_that_stays_up_dates_the_boot_for_all_others(shelf):
    both = ((STAYS, 1), (OTHER, 1))
    lived(shelf, host("first", 0), nodes=both)
    unknown = lost("lost", 600 * S)
    timeline = lived(shelf, unknown, nodes=((STAYS, 1), (OTHER, 2)))
    instant, beyond = asked(timeline, unknown, 100 * S, boot=2)
    assert instant.state is TimeState.PROVISIONAL
    assert instant.witness
    assert beyond <= 0
    assert instant.uncertainty_ns < 100 * MS


def test_witnesses_before_and_after_agree_on_less(shelf):
    lived(shelf, host("first", 0), nodes=((STAYS, 1),))
    unknown = lost("lost", HOUR)
    one_sided = lived(shelf, unknown, nodes=((STAYS, 1), (OTHER, 2)))
    before, beyond = asked(one_sided, unknown, 200 * S, boot=2)
    assert beyond <= 0
    timeline = lived(shelf, host("last", HOUR + 400 * S), nodes=((STAYS, 1),))
    after, beyond = asked(timeline, unknown, 200 * S, boot=2)
    assert beyond <= 0
    assert after.witness
    assert after.uncertainty_ns < before.uncertainty_ns / 4


def test_a_boot_that_never_knew_says_nothing_of_what_came_after_it(shelf):
    lived(shelf, lost("first", 0), nodes=((STAYS, 1),))
    second = host("second", 310 * S)
    timeline = lived(shelf, second, nodes=((STAYS, 1),))
    around_its_beginning = range(-200 * MS, 200 * MS, 5 * MS)
    answers = [asked(timeline, second, at_ns, uid=STAYS) for at_ns in around_its_beginning]
    assert max(beyond_ns for _instant, beyond_ns in answers) <= 0


def test_what_a_synchronised_boot_knows_needs_no_witness(shelf):
    lived(shelf, host("first", 0), nodes=((STAYS, 1),))
    second = host("second", 600 * S)
    timeline = lived(shelf, second, nodes=((STAYS, 1),))
    instant, beyond = asked(timeline, second, 100 * S, uid=STAYS)
    assert instant.state is TimeState.RESOLVED
    assert not instant.witness
    assert beyond <= 0


def test_what_a_synchronised_boot_knows_stays_resolved_whatever_a_later_one_says(shelf):
    lived(shelf, host("first", 0, uncertainty_ns=200 * MS), nodes=((STAYS, 1),))
    lived(shelf, host("second", 600 * S, uncertainty_ns=MS), nodes=((STAYS, 1),))
    timeline = lived(shelf, lost("lost", 2 * HOUR), nodes=((STAYS, 1),))
    first = host("first", 0)
    for boottime_ns in range(0, 300 * S, 7 * S):
        instant, beyond = asked(timeline, first, boottime_ns, uid=STAYS, host_boot=1)
        assert (instant.state, instant.witness) == (TimeState.RESOLVED, False)
        assert beyond <= 0


def test_samples_from_before_the_host_booted_are_not_before_this_program(shelf):
    clock = lost("first and only", HOUR)
    timeline = lived(shelf, clock)
    instant, _beyond = asked(timeline, clock, -HOUR, host_boot=1)
    assert instant.state is TimeState.PROVISIONAL
    assert instant.utc_ns >= NO_EARLIER_NS


async def test_steps_are_as_sharp_after_a_reboot_as_they_were_live(tmp_path):
    clock = host("first", 0)
    store = Store.open(tmp_path)
    store.start(lambda arrivals: None, lambda arrivals, error: None)
    lived(store, clock)
    await store.flush()
    clock.wall_off_ns = HOUR
    lived(store, clock)
    await store.close()
    store = Store.open(tmp_path)
    store.start(lambda arrivals: None, lambda arrivals, error: None)
    timeline = Timeline(store, host("second", 2 * HOUR))
    found = [asked(timeline, clock, at_s * S, host_boot=1)[0] for at_s in (100, 500)]
    await store.close()
    assert [each.utc_ns for each in found] == pytest.approx([UTC + 100 * S, UTC + 500 * S + HOUR], abs=MS)
    assert max(each.uncertainty_ns for each in found) < 20 * MS
