"""Both ends of the link over a line that loses, doubles and flips, without I/O or a clock."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.shelf import KEPT_MOST
from tests.wire.chain import BOOT, UID, Chain, Queue
from wire import cbor, down, fields, up
from wire.errors import WireError
from wire.framing import ESCAPES_UP, FRAME_LIMIT_UP, FrameReader, stuff
from wire.gateway_session import WHO_EVERY_MS, GatewaySession
from wire.intake import AHEAD, REPEAT, TAKEN, Intake
from wire.node_session import (
    ACK_TIMEOUT_MS,
    ACK_TIMEOUTS,
    HELLO_MOST_MS,
    LOGS_KEPT,
    SEEKING,
    SILENCE_MS,
    UP,
    NodeSession,
)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.floats(0, 0.3), st.integers(60, 2000), st.integers(1, 60))
def test_two_ends_over_a_lossy_line_store_every_block_exactly_once(seed, damage, window, blocks):
    chain = Chain(seed, damage, window)
    for _ in range(blocks):
        chain.queue.add()
    chain.run_until(lambda: not chain.queue.records, 600_000)
    assert chain.stored == list(range(blocks))


def test_without_damage_nothing_is_sent_twice():
    chain = Chain()
    for _ in range(50):
        chain.queue.add()
    chain.run_until(lambda: not chain.queue.records, 10_000)
    assert (chain.gateway.repeats, chain.gateway.ahead) == (0, 0)
    assert chain.types_down().count(down.Welcome) == 1


def test_an_ack_is_sent_only_after_the_commit():
    chain = Chain()
    chain.queue.add()
    chain.run_until(lambda: chain.waiting, 5_000)
    assert down.Ack not in chain.types_down()
    assert chain.queue.records
    chain.run_until(lambda: not chain.queue.records, 5_000)
    assert chain.types_down()[-1] is down.Ack


def test_unacknowledged_octets_stay_within_the_window():
    chain = Chain(window=100)
    for _ in range(20):
        chain.queue.add()
    sizes = [len(record) for record in chain.queue.records]
    chain.run_until(lambda: chain.waiting, 5_000)
    taken = len(chain.waiting)
    assert sum(sizes[:taken]) <= 100 < sum(sizes[: taken + 1])


def test_a_window_of_nothing_stops_the_node():
    chain = Chain(window=0)
    chain.queue.add()
    for _ in range(100):
        chain.step()
    assert not any(isinstance(message, up.Block) for message in chain.sent_up)


def test_records_are_not_taken_before_the_descriptor_is_known():
    chain = Chain()
    chain.queue.add()
    block = up.decode(chain.queue.records[0])
    chain.on_up(
        up.Hello(UID, BOOT, 0, "t", b"12345678", "x", chain.queue.held(), 240, b"nonce678").encode(
            cbor.Encoder(999)
        )
    )
    assert chain.gateway.receive(block, 0) is None
    chain.gateway.described()
    assert chain.gateway.receive(block, 0) is block


def test_a_lost_describe_is_asked_for_again():
    chain = Chain()
    chain.run_until(lambda: chain.described, 5_000)
    chain.described = False
    chain.gateway.receive(up.Hello(UID, BOOT, 0, "t", b"12345678", "x", [], 240, b"nonce678"), chain.now_ms)
    chain.gateway.meet(chain.intake, False, b"nonce678", chain.now_ms)
    first = chain.gateway.poll(chain.now_ms)
    again = chain.gateway.poll(chain.now_ms + 1000)
    assert first.need_desc
    assert again.need_desc


def test_a_stranger_is_asked_who_it_is_at_a_bounded_pace():
    gateway = GatewaySession("gw", 600)
    assert gateway.poll(0) == down.Who()  # a line that was just opened
    block = up.Block(BOOT, 1, 0, 0, 0, 0, [1], {})
    asked = 0
    for now_ms in range(0, 5000, 10):
        assert gateway.receive(block, now_ms) is None
        asked += gateway.poll(now_ms) is not None
    assert asked == 5000 // WHO_EVERY_MS


def test_a_boot_that_hello_did_not_name_is_answered_with_who():
    chain = Chain()
    chain.run_until(lambda: chain.described, 5_000)
    assert chain.gateway.receive(up.Block(BOOT + 1, 1, 0, 0, 0, 0, [1], {}), 100_000) is None
    assert chain.gateway.poll(100_000) == down.Who()


def test_a_gateway_with_a_new_disk_goes_on_where_the_node_is():
    chain = Chain(queue=Queue(first_seq=500))
    chain.queue.add()
    chain.run_until(lambda: not chain.queue.records, 5_000)
    assert chain.stored == [500]
    assert chain.gaps == []


def test_records_that_an_older_copy_of_the_disk_does_not_have_are_named():
    chain = Chain(queue=Queue(first_seq=500), intake=Intake({(BOOT, 1): 450}))
    chain.run_until(lambda: chain.described, 5_000)
    assert chain.gaps == [(BOOT, 1, 450, 500)]


def test_a_node_says_hello_again_after_three_ack_timeouts():
    chain = Chain()
    chain.queue.add()
    chain.run_until(lambda: chain.waiting, 5_000)
    chain.waiting.clear()  # the gateway's disk does not answer
    chain.intake.refuse(BOOT, 1)
    hellos = sum(isinstance(m, up.Hello) for m in chain.sent_up)
    start_ms = chain.now_ms
    while sum(isinstance(m, up.Hello) for m in chain.sent_up) == hellos:
        chain.step()
        chain.waiting.clear()
    assert chain.now_ms - start_ms == pytest.approx(ACK_TIMEOUTS * ACK_TIMEOUT_MS, abs=50)
    chain.intake.refuse(BOOT, 1)
    chain.run_until(lambda: not chain.queue.records, 60_000)
    assert chain.stored == [0]


def test_silence_and_who_make_the_node_say_hello():
    chain = Chain()
    chain.run_until(lambda: chain.node.state == UP, 5_000)
    assert chain.node.wait_ms(chain.now_ms) <= SILENCE_MS
    chain.node.receive(down.Who(), chain.now_ms, 0)
    assert chain.node.state == SEEKING
    assert isinstance(up.decode(chain.node.poll(chain.now_ms, 0)), up.Hello)
    chain.run_until(lambda: chain.node.state == UP, 60_000)
    now_ms = chain.now_ms + SILENCE_MS
    assert isinstance(up.decode(chain.node.poll(now_ms, 0)), up.Hello)


def test_hello_is_repeated_ever_more_slowly_up_to_a_limit():
    chain = Chain()
    times = [ms for ms in range(0, 200_000, 50) if chain.node.poll(ms, 0) is not None]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    for pause, nominal in zip(pauses[:6], [1000, 2000, 4000, 8000, 16000, HELLO_MOST_MS], strict=True):
        assert nominal * 7 // 8 - 50 <= pause <= nominal * 9 // 8 + 50


def test_time_is_answered_at_once_with_both_ticks():
    chain = Chain()
    chain.node.receive(down.Time(7), 10, 10_000)
    assert up.decode(chain.node.poll(12, 12_000)) == up.TimeReply(7, 10_000, 12_000)


class Crowded(Queue):
    """What a node that was reset again and again without a gateway may hold, in the largest numbers."""

    boots = tuple(fields.BOOT_LIMIT - at for at in range(KEPT_MOST + 3))

    def held(self):
        return [[boot, 1, fields.SEQ_LIMIT - 9, fields.SEQ_LIMIT] for boot in self.boots]

    def descs(self):
        return [[boot, bytes(8)] for boot in self.boots[:KEPT_MOST]]


@pytest.mark.parametrize(("crash", "told"), [("x" * 40, "x" * 40), ("x" * 200, "")])
def test_a_hello_tells_of_a_crash_as_long_as_all_that_the_node_holds_has_room(crash, told):
    queue = Crowded()
    version = "fieldgate 0.1.0, micropython 1.25.0"
    hello = up.Hello(UID, BOOT, 0, version, bytes(8), "deep_sleep", [], 1024, bytes(8), crash=crash)
    node = NodeSession(hello, b"", queue, lambda limit: limit - 1)
    said = up.decode(node.poll(0, 2**50))
    assert (len(said.queued), len(said.descs), said.crash) == (KEPT_MOST + 3, KEPT_MOST, told)


def test_logs_are_bounded_and_wait_for_the_readings():
    chain = Chain()
    for number in range(LOGS_KEPT + 5):
        chain.node.log(number, "info", f"line {number}")
    chain.queue.add()
    chain.run_until(lambda: not chain.queue.records, 5_000)
    kinds = [type(message) for message in chain.sent_up]
    assert kinds.index(up.Block) < kinds.index(up.Log)
    assert kinds.count(up.Log) == LOGS_KEPT


def test_the_intake_takes_the_next_record_and_nothing_else():
    intake = Intake({(BOOT, 1): 3})

    def block(seq):
        return up.Block(BOOT, 1, seq, 0, 0, 0, [1], {})

    assert intake.take(block(2)) == REPEAT
    assert intake.take(block(4)) == AHEAD
    assert intake.next_ack() == (BOOT, 1, 3)
    assert intake.next_ack() is None
    assert intake.take(block(3)) == TAKEN
    assert intake.take(block(3)) == REPEAT
    intake.refuse(BOOT, 1)
    assert intake.take(block(3)) == TAKEN
    intake.give_back(block(3))
    assert intake.take(up.Gap(BOOT, 1, 3, 9, "queue_full", 0, 0)) == TAKEN
    intake.commit(BOOT, 1, 9)
    assert intake.points([[BOOT, 1, 0, 9]]) == [[BOOT, 1, 9]]


def test_what_is_on_disk_is_not_expected_again_after_a_refusal_that_came_between():
    intake = Intake({})
    for seq in (0, 1):
        assert intake.take(up.Block(BOOT, 1, seq, 0, 0, 0, [1], {})) == TAKEN
    intake.refuse(BOOT, 1)
    intake.commit(BOOT, 1, 2)
    assert intake.take(up.Block(BOOT, 1, 1, 0, 0, 0, [1], {})) == REPEAT
    assert intake.meet(BOOT, [[BOOT, 1, 2, 5]]) == []
    assert intake.take(up.Block(BOOT, 1, 2, 0, 0, 0, [1], {})) == TAKEN


def test_an_intake_keeps_what_is_in_use_and_asks_the_disk_for_the_rest():
    disk = {(BOOT - 1, 1): 7}
    intake = Intake(disk)
    for boot in range(100):
        intake.meet(boot, [[boot, stream, 3, 3] for stream in range(3)])
    assert intake.settled
    assert intake.meet(BOOT, [[BOOT - 1, 1, 5, 9], [BOOT, 1, 0, 0]]) == []
    assert intake.points([[BOOT - 1, 1, 5, 9]]) == [[BOOT - 1, 1, 7]]
    block = up.Block(BOOT - 1, 1, 7, 0, 0, 0, [1], {})
    assert intake.take(block) == TAKEN
    assert not intake.settled
    intake.meet(BOOT, [])  # the record waits for its commit: it is not let go
    assert intake.take(block) == REPEAT
    intake.commit(BOOT - 1, 1, 8)
    disk[BOOT - 1, 1] = 8
    intake.meet(BOOT, [])
    assert intake.meet(BOOT, [[BOOT - 1, 1, 10, 11]]) == [(BOOT - 1, 1, 8, 10)]


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_hostile_octets_change_nothing_and_raise_nothing_but_wire_error(pieces):
    gateway = GatewaySession("gw", 600)
    reader = FrameReader(FRAME_LIMIT_UP)
    for piece in pieces:
        for frame in reader.feed(stuff(b"\x83" + piece, ESCAPES_UP)):
            try:
                gateway.receive(up.decode(frame), 0)
            except WireError:
                continue
    assert gateway.repeats == gateway.ahead == 0
