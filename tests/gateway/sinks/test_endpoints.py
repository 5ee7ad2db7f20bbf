"""gateway/sinks/endpoints.py"""

from random import Random

import pytest

from gateway.sink_config import BrokerAddress
from gateway.sinks.backoff import Backoff
from gateway.sinks.endpoints import Endpoints


class Longest(Random):
    """Chance that always draws the longest time."""

    def uniform(self, a, b):
        return b


def endpoints(*names, random=None):
    addresses = [BrokerAddress(f"mqtt://{name}") for name in names]
    return Endpoints(addresses, Backoff(1.0, 60.0, random or Longest()))


def names(found, count, event):
    made = []
    for _ in range(count):
        event(found)
        made.append(found.current.address.host)
    return made


def fail(found):
    found.failed("unreachable")


def test_the_search_begins_with_the_first_and_goes_round():
    found = endpoints("a", "b", "c")
    assert found.current.address.host == "a"
    assert names(found, 5, fail) == ["b", "c", "a", "b", "c"]


def test_the_one_that_was_lost_is_tried_last_and_the_others_in_order():
    found = endpoints("a", "b", "c")
    found.failed("unreachable")
    found.works()  # connected to b
    found.lost("ack_timeout", proven=True)
    assert found.current.address.host == "a"
    assert names(found, 4, fail) == ["c", "b", "a", "b"]


def test_a_lone_broker_is_tried_again():
    found = endpoints("a")
    assert names(found, 2, fail) == ["a", "a"]
    found.lost("connection_lost", proven=True)
    assert found.current.address.host == "a"


def test_the_pauses_double_with_each_round_and_not_within_one():
    found = endpoints("a", "b")
    assert [found.failed("unreachable") for _ in range(6)] == [1.0, 1.0, 1.0, 2.0, 2.0, 4.0]
    assert max(found.failed("unreachable") for _ in range(40)) == 60.0


def test_pauses_begin_anew_after_a_connection_that_worked_and_only_then():
    found = endpoints("a", "b")
    for _ in range(6):
        found.failed("unreachable")
    assert found.lost("ended_by_broker", proven=False) == 8.0
    assert found.lost("connection_lost", proven=True) == 1.0


def test_what_failed_last_is_remembered_until_it_works():
    found = endpoints("a", "b")
    a = found.current
    found.failed("unreachable: no route")
    assert a.failure == "unreachable: no route"
    found.failed("rejected")
    found.works()
    assert (found.current, a.failure) == (a, "")


@pytest.mark.parametrize("seed", range(5))
def test_pauses_are_spread_over_the_whole_time(seed):
    backoff = Backoff(1.0, 60.0, Random(seed))
    pauses = [backoff.next_s() for _ in range(200)][10:]
    assert min(pauses) < 10.0
    assert max(pauses) > 50.0


def test_a_share_of_the_limit_can_be_waited_in_any_case():
    backoff = Backoff(15.0, 300.0, Random(1), least=0.5)
    assert all(backoff.next_s() >= 7.5 for _ in range(20))
    assert backoff.next_s() >= 150.0
