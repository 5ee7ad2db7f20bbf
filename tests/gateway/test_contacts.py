"""gateway/contacts.py, and what gateway/node_clock.py makes of it"""

from itertools import pairwise

import pytest

from gateway.contacts import CONTACT_US, KEPT, Contacts
from gateway.node_clock import Exchange, NodeClock, TimeState

S = 1_000_000_000
US_PER_S = 1_000_000
MS = 1_000_000
PPM = 10_000


def exchange(host_s, ticks_s, rtt_ms=2):
    half_ns = rtt_ms * MS // 2
    ticks = int(ticks_s * US_PER_S)
    return Exchange(
        t1_ns=int(host_s * S) - half_ns, t2_us=ticks, t3_us=ticks, t4_ns=int(host_s * S) + half_ns
    )


def clock_of(*pairs, ppm=PPM):
    clock = NodeClock()
    clock.sleeps(ppm)
    for host_s, ticks_s in pairs:
        clock.add(exchange(host_s, ticks_s))
    return clock


def test_between_two_contacts_an_even_pace_is_the_guess_and_both_bounds_hold():
    clock = clock_of((1000, 0), (1900, 895.5))  # the node is 5,000 ppm slow
    for share in (0.1, 0.5, 0.9):
        instant = clock.at(int(895.5 * share * US_PER_S))
        assert instant.state is TimeState.RESOLVED
        assert instant.boottime_ns == pytest.approx((1000 + 900 * share) * S, abs=2 * MS)
    assert 2.2 * S < clock.at(447 * US_PER_S).uncertainty_ns < 2.3 * S
    assert clock.at(1 * US_PER_S).uncertainty_ns < 20 * MS


def test_what_comes_after_the_last_contact_is_provisional_and_is_resolved_by_the_next():
    clock = clock_of((1000, 0), (1900, 900))
    later = clock.at(1500 * US_PER_S)
    assert later.state is TimeState.PROVISIONAL
    assert later.uncertainty_ns == pytest.approx(600 * S * PPM / 1e6, rel=0.01)
    assert clock.at(920 * US_PER_S).state is TimeState.RESOLVED
    clock.add(exchange(2800, 1800))
    assert clock.at(1500 * US_PER_S).state is TimeState.RESOLVED


def test_with_a_hello_a_contact_has_begun_that_is_not_measured_yet():
    clock = clock_of((1000, 0), (1900, 900))
    assert clock.latest().state is TimeState.RESOLVED
    clock.hello(1800 * US_PER_S, 2800 * S)
    assert clock.latest().state is TimeState.PROVISIONAL  # so records of this contact wait for it
    clock.add(exchange(2801, 1801))
    assert clock.latest().state is TimeState.RESOLVED


def test_contacts_that_no_such_clock_can_have_answered_leave_the_order_only():
    clock = clock_of((1000, 0), (1900, 800))
    assert clock.jumps == 1
    instant = clock.at(400 * US_PER_S)
    assert instant.state is TimeState.INTERVAL
    assert instant.boottime_ns - instant.uncertainty_ns <= 1000 * S
    assert instant.boottime_ns + instant.uncertainty_ns >= 1900 * S


def test_ticks_that_go_backwards_are_refused():
    clock = clock_of((1000, 500), (1900, 100))
    assert clock.refused == 1
    assert clock.measured_ticks() == [500 * US_PER_S] * 2


def test_of_one_contact_the_fastest_exchange_is_kept():
    contacts = Contacts(PPM)
    for number, rtt_ms in enumerate((40, 2, 90)):
        contacts.add(exchange(1000 + number, number, rtt_ms))
    assert [each.rtt_ns for each in contacts.kept()] == [2 * MS]
    contacts.add(exchange(1000 + CONTACT_US / 1e6, CONTACT_US / 1e6, 90))
    assert len(contacts.kept()) == 2


def test_two_are_asked_for_at_once_and_then_one_in_a_period():
    clock = clock_of((1000, 0))
    period_ns = 10 * S
    assert not clock.next_exchange_due(1000 * S + 400 * MS)
    assert clock.next_exchange_due(1000 * S + 600 * MS)
    clock.add(exchange(1000.6, 0.6))
    assert not clock.next_exchange_due(1000 * S + period_ns)
    assert clock.next_exchange_due(1001 * S + period_ns)


def test_of_more_than_it_holds_the_ends_stay_and_no_hole_is_large():
    contacts = Contacts(PPM)
    for number in range(3 * KEPT):
        contacts.add(exchange(900 * number, 900 * number))
    kept = contacts.kept()
    assert len(kept) == KEPT
    assert contacts.ends() == [0, 900 * (3 * KEPT - 1) * US_PER_S]
    assert max(b.t2_us - a.t2_us for a, b in pairwise(kept)) <= 8 * 900 * US_PER_S


def test_exchanges_from_before_the_descriptor_was_known_count():
    clock = NodeClock()
    clock.add(exchange(1000, 0))
    clock.add(exchange(1900, 895.5))
    clock.sleeps(PPM)
    clock.add(exchange(2800, 1791))
    assert clock.at(1400 * US_PER_S).state is TimeState.RESOLVED
    assert clock.measured_ticks() == [0, 1791 * US_PER_S]


def test_a_hello_alone_bounds_it_by_what_the_clock_may_be_off():
    clock = NodeClock()
    clock.sleeps(PPM)
    clock.hello(1000 * US_PER_S, 2000 * S)
    instant = clock.at(0)
    assert instant.state is TimeState.PROVISIONAL
    assert instant.uncertainty_ns >= 1000 * S * PPM / 1e6
