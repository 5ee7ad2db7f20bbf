"""Of all that is known of time, a bounded part is kept that spans it."""

from itertools import pairwise

from gateway.node_clock import Exchange
from gateway.store import time_rows
from gateway.store.time_rows import EXCHANGES_KEPT, least_useful
from gateway.timeline import KeptExchange
from tests.gateway.store.bench import BOOT, OTHER, UID, opened


def kept(t1_s, *, uid=UID, host_boot=1, rtt_ns=1000):
    t1_ns = t1_s * 1_000_000_000
    exchange = Exchange(t1_ns=t1_ns, t2_us=t1_s, t3_us=t1_s, t4_ns=t1_ns + rtt_ns)
    return KeptExchange(uid=uid, boot=BOOT, host_boot=host_boot, exchange=exchange)


async def test_exchanges_come_back_in_the_order_they_happened(tmp_path):
    put = [kept(3, uid=OTHER), kept(5), kept(1, host_boot=2), kept(2, uid=OTHER, host_boot=2)]
    async with opened(tmp_path) as bench:
        for each in put:
            bench.store.put_exchange(each)
    async with opened(tmp_path) as bench:
        assert bench.store.exchanges() == put


async def test_of_many_exchanges_of_one_clock_some_are_kept_over_all_of_its_time(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.put_exchange(kept(7, uid=OTHER))
        for t1_s in range(0, 60_000, 60):
            bench.store.put_exchange(kept(t1_s))
        await bench.store.flush()
        times = [each.exchange.t1_ns // 1_000_000_000 for each in bench.store.exchanges() if each.uid == UID]
        assert len(times) == EXCHANGES_KEPT
        assert (times[0], times[-1]) == (0, 59_940)
        assert max(later - earlier for earlier, later in pairwise(times)) <= 4 * 60_000 / EXCHANGES_KEPT
        assert len(bench.store.exchanges()) == EXCHANGES_KEPT + 1


def test_the_exchange_that_leaves_the_smallest_hole_goes_but_never_an_end():
    assert least_useful([(0, 9), (10, 1), (11, 1), (40, 1), (41, 9)]) == 10
    assert least_useful([(0, 1), (10, 2), (20, 5), (30, 2), (40, 9)]) == 20
    assert least_useful([(0, 1), (1, 1), (2, 1)]) == 1


async def test_the_oldest_exchanges_go_when_there_are_too_many_in_all(tmp_path, monkeypatch):
    monkeypatch.setattr(time_rows, "EXCHANGES_LIMIT", 50)
    async with opened(tmp_path) as bench:
        for number in range(80):
            bench.store.put_exchange(kept(number, host_boot=number))
    async with opened(tmp_path) as bench:
        await bench.store.flush()
        assert [each.host_boot for each in bench.store.exchanges()] == list(range(30, 80))
