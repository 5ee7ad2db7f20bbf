"""gateway/sinks/consumer.py"""

from gateway.sinks.consumer import REPLAY_EVERY_S, Consumer
from gateway.sinks.marks import Marks
from gateway.store.consumers import Extent, Kept, Passing

A, B, OLD = (b"aaaaaa", 1, 1), (b"bbbbbb", 1, 1), (b"aaaaaa", 0, 1)
# Of A the seqs 0 to 99 are gone; of B nothing is; of OLD everything.
EXTENTS = {A: Extent(0, 200, 100), B: Extent(0, 50, 0), OLD: Extent(0, 30, 30)}
RESEND_S = 600.0


def row(id_, key, seq):
    return Passing(id_, *key, seq + 1, 100, 1, 0)


ROWS = [row(1, A, 100), row(2, B, 0), row(3, A, 101), row(4, B, 1)]


def consumer(epoch=None, **next_seqs):
    keys = {"a": A, "b": B, "old": OLD}
    known = {keys[name]: seq for name, seq in next_seqs.items()}
    return Consumer("hist", None if epoch is None else Kept(epoch, known), 0.0)


def test_it_passes_what_is_below_its_marks_and_stops_at_the_first_other():
    one = consumer("e", a=102, b=1)
    one.pass_over(ROWS, 0.0)
    assert (one.position, one.blocked) == (3, ROWS[3])
    one.take(Marks("e", {B: 2}), EXTENTS, 1.0)
    one.pass_over(ROWS[3:], 1.0)
    assert (one.position, one.blocked) == (4, None)


def test_within_an_epoch_a_stream_that_is_not_mentioned_has_not_changed():
    one = consumer("e", a=102, b=1)
    taken = one.take(Marks("e", {B: 2}), EXTENTS, 1.0)
    assert (taken.changed, taken.whole) == ({B: 2}, False)
    assert one.has(A, 102)
    assert not one.is_due(1.0, RESEND_S)


def test_in_a_new_epoch_a_stream_that_is_not_mentioned_is_not_there():
    one = consumer("e", a=150, b=50)
    one.pass_over([row(1, A, 100), row(2, B, 0)], 0.0)
    taken = one.take(Marks("f", {B: 50}), EXTENTS, 1.0)
    assert (taken.changed, taken.whole) == ({B: 50, A: 0}, True)
    assert (one.position, one.has(A, 1)) == (0, False)  # it is looked through anew
    one.pass_over(ROWS, 1.0)
    assert one.is_due(1.0, RESEND_S)
    assert one.wanted == {A: 0}  # what of it is gone has to be named


def test_a_mark_that_falls_back_is_sent_again_from_there():
    one = consumer("e", a=150, b=50)
    one.pass_over(ROWS, 0.0)
    assert one.position == 4
    one.take(Marks("e", {A: 101}), EXTENTS, 1.0)
    one.pass_over(ROWS, 1.0)
    assert (one.position, one.blocked) == (2, ROWS[2])
    assert one.is_due(1.0, RESEND_S)
    assert one.wanted == {}  # from there on everything is kept
    one.take(Marks("e", {A: 40}), EXTENTS, 2.0)
    assert one.wanted == {A: 40}


def test_what_is_gone_as_a_whole_is_named_only_if_it_is_asked_for():
    one = consumer("e", old=30)
    one.take(Marks("f", {A: 200, B: 50}), EXTENTS, 1.0)
    assert one.wanted == {}
    one.take(Marks("g", {A: 200, B: 50, OLD: 10}), EXTENTS, 2.0)
    assert one.wanted == {OLD: 10}


def test_a_stream_that_it_names_for_the_first_time_is_sent_from_its_mark():
    one = consumer("e", a=200)
    one.take(Marks("e", {OLD: 10}), EXTENTS, 1.0)
    assert one.wanted == {OLD: 10}


def test_unknown_streams_and_seqs_are_counted_and_believed_in_no_way():
    one = consumer("e")
    stranger = (b"cccccc", 1, 1)
    taken = one.take(Marks("e", {stranger: 5, B: 1000}), EXTENTS, 1.0)
    assert (taken.unknown, taken.ahead, taken.changed) == (1, 1, {B: 50})
    assert not one.has(stranger, 1)
    assert not one.has(B, 51)  # what comes after is not taken for confirmed


def test_a_consumer_that_wants_all_the_time_is_given_now_and_then():
    one = consumer("e", a=200, b=50)
    given = 0
    for second in range(300):
        one.take(Marks(f"epoch {second}", {A: 100, B: 0}), EXTENTS, float(second))
        one.pass_over(ROWS, float(second))
        if one.is_due(float(second), RESEND_S):
            one.replayed(float(second))
            given += 1
    assert given == 300 / REPLAY_EVERY_S


def resends(*, speaks, seconds):
    """When the same record is sent again to a consumer that does not come past it."""
    one = consumer("e", a=200, b=1)
    times = []
    for second in range(seconds):
        if speaks(second):
            one.take(Marks("e", {B: 1}), EXTENTS, float(second))
        one.pass_over([each for each in ROWS if each.id > one.position], float(second))
        if one.is_due(float(second), RESEND_S):
            one.replayed(float(second))
            times.append(second)
    return times


def test_a_record_that_a_speaking_consumer_does_not_pass_is_sent_again_each_time_later():
    assert resends(speaks=lambda _: True, seconds=5000) == [600, 1800, 4200]


def test_nothing_is_sent_again_to_a_consumer_that_does_not_speak():
    assert resends(speaks=lambda second: second < 500, seconds=5000) == []


def test_one_that_comes_forward_is_left_in_peace():
    one = consumer("e", a=200, b=0)
    for second in range(5000):
        one.take(Marks("e", {B: 1 + second // 500}), EXTENTS, float(second))
        one.pass_over([row(id_, B, id_) for id_ in range(one.position + 1, 50)], float(second))
        assert not one.is_due(float(second), RESEND_S)


def test_silence_counts_while_there_is_something_to_confirm():
    one = consumer("e", a=200, b=1)
    assert one.silent_s(100.0) == 0.0
    one.pass_over(ROWS, 100.0)
    assert one.silent_s(150.0) == 50.0
    one.take(Marks("e", {}), EXTENTS, 140.0)
    assert one.silent_s(150.0) == 10.0
