"""gateway/sinks/suspects.py: whose fault a refusal is."""

from random import Random

import pytest

from gateway.sinks.backoff import Backoff
from gateway.sinks.suspects import FOR_GOOD, SUSPECTS_LIMIT, TRIES, Suspects, Verdict

QUOTA, UNSPECIFIED, NOT_AUTHORIZED, NO_SUBSCRIBER = 0x97, 0x80, 0x87, 0x10
TRANSIENT = [QUOTA, UNSPECIFIED, 0x83, NOT_AUTHORIZED, NO_SUBSCRIBER, 0x91]


@pytest.fixture
def suspects():
    return Suspects(Backoff(0.5, 10.0, Random(1)))


@pytest.mark.parametrize("reason", sorted(FOR_GOOD))
def test_a_code_that_means_the_record_is_for_good_at_once(suspects, reason):
    assert suspects.refused(1, "air", reason, 0.0) is Verdict.DEAD


@pytest.mark.parametrize("reason", TRANSIENT)
def test_while_nothing_else_is_taken_a_record_is_never_given_up(suspects, reason):
    verdicts = {suspects.refused(1, "air", reason, float(now_s)) for now_s in range(100)}
    assert verdicts == {Verdict.HOLD}
    assert suspects.resting(100.0) == frozenset()  # who pauses is the whole lane


@pytest.mark.parametrize("reason", TRANSIENT)
def test_one_that_is_refused_while_others_on_its_topic_are_taken_is_given_up_after_its_tries(
    suspects, reason
):
    verdicts = [suspects.refused(1, "air", reason, 0.0)]
    for now_s in range(1, TRIES + 1):
        suspects.taken(100 + now_s, "air", now_s - 0.5)
        verdicts.append(suspects.refused(1, "air", reason, float(now_s)))
    assert verdicts == [Verdict.HOLD] + [Verdict.REST] * (TRIES - 1) + [Verdict.DEAD]


def test_what_is_taken_on_another_topic_says_nothing(suspects):
    """Nobody has subscribed to it, or it is forbidden: not the record's fault."""
    for now_s in range(1, 50):
        assert suspects.refused(1, "gap", NO_SUBSCRIBER, float(now_s)) is Verdict.HOLD
        suspects.taken(100 + now_s, "air", now_s + 0.5)


def test_what_was_taken_before_says_nothing(suspects):
    suspects.refused(2, "air", QUOTA, 0.0)
    suspects.taken(2, "air", 1.0)
    assert suspects.refused(1, "air", QUOTA, 2.0) is Verdict.HOLD
    assert suspects.refused(1, "air", QUOTA, 3.0) is Verdict.HOLD


def test_a_suspect_rests_ever_longer_and_is_forgotten_when_it_is_taken(suspects):
    suspects.refused(1, "air", QUOTA, 0.0)
    suspects.taken(2, "air", 0.5)
    suspects.refused(1, "air", QUOTA, 1.0)
    assert suspects.resting(1.0) == {1}
    assert suspects.resting(1.6) == frozenset()
    suspects.taken(1, "air", 2.0)
    assert len(suspects) == 0
    assert suspects.refused(1, "air", QUOTA, 3.0) is Verdict.HOLD


def test_suspects_are_limited_in_number(suspects):
    for id_ in range(2 * SUSPECTS_LIMIT):
        suspects.refused(id_, "air", QUOTA, 0.0)
    assert len(suspects) == SUSPECTS_LIMIT
