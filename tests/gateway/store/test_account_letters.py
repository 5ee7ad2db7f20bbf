"""What the account says of records that a broker refuses for good."""

from gateway.store import losses
from gateway.store.account import Gap, account
from gateway.store.store import FORGET_LEAST
from tests.gateway.store.bench import block, opened
from wire import up

WHY = {"reason_code": 0x99, "reason": "bad", "realtime_ns": None}


def streams(directory):
    return account(directory / "store.db").streams


async def test_a_letter_that_is_buried_before_its_record_is_passed_is_counted_once(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(3))
        for record in bench.store.read_after(1, 2):
            assert bench.store.dead_letters.bury("mqtt", record, **WHY)
        for cursor, delivered, waiting in [(1, 1, 2), (2, 1, 1), (3, 1, 0)]:
            bench.store.move_cursor("mqtt", cursor, [])
            await bench.store.flush()
            [stream] = streams(tmp_path)
            assert (stream.delivered, stream.waiting) == ({"mqtt": delivered}, {"mqtt": waiting})
            assert stream.dead_letters == {"mqtt": 2}


async def test_a_letter_that_is_given_up_is_a_named_gap_and_never_counts_as_delivered(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        for seq in range(FORGET_LEAST + 9):
            bench.store.append(block(seq, t_first=1000 * seq, span=300))
        await bench.store.flush()
        record = bench.store.read_after(2, 1)[0]
        letters = bench.store.dead_letters
        assert letters.bury("mqtt", record, **WHY)
        bench.store.move_cursor("mqtt", FORGET_LEAST + 9, [])
        assert letters.discard([letters.of()[0].id, 99]) == 1
        await bench.store.flush()
        [told] = bench.store.read_after(FORGET_LEAST + 9, 9)
        gap = up.decode(told.message)
        assert (gap.seq, gap.next_seq, gap.reason) == (2, 3, losses.DISCARDED)
        assert (gap.t_first, gap.span) == (2000, 300)
        [stream] = streams(tmp_path)
        assert (stream.stored, stream.delivered) == (FORGET_LEAST + 9, {"mqtt": FORGET_LEAST + 8})
        bench.store.move_cursor("mqtt", told.id, [])
        await bench.store.flush()
        bench.store.forget_delivered()
        await bench.store.flush()
    [stream] = streams(tmp_path)
    assert stream.gaps == (Gap(2, 3, losses.DISCARDED),)
    assert (stream.settled, stream.delivered) == (FORGET_LEAST + 8, {"mqtt": FORGET_LEAST + 8})
    assert stream.holds
