"""The broker comes back: the present goes on at once, the past drains beside it."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from hil_tests.bench import SINK, Bench, eventually
from hil_tests.broker import Message
from hil_tests.demo.identity import Identity, Stream

pytestmark = [pytest.mark.hil, pytest.mark.timeout(120)]

AWAY_S = 6.0  # at about ten blocks a second
SINK_SETTINGS = "backfill_after_s = 3\nbackfill_per_s = 10\n"
WINDOW = 20  # of the sink's defaults: publishes on their way
NOT_DURABLE = 40  # confirmed in the last second or two before a kill: the cursor rides with the next commit


def identity(message: Message) -> Identity:
    about = message.properties
    node = message.topic.split("/")[2]
    return Stream(node, int(about["boot"]), int(about["stream"])).record(int(about["seq"]))


def records(bench: Bench) -> list[Message]:
    return [each for each in bench.subscriber.messages if not each.topic.endswith("/status")]


def is_backfill(message: Message) -> bool:
    return message.topic.endswith("/backfill")


def first_of_each(messages: list[Message]) -> list[int]:
    """The seqs without their repeats."""
    return [each.seq for each in dict.fromkeys(map(identity, messages))]


def test_live_readings_go_on_at_once_and_the_backlog_drains_beside_them(tmp_path: Path) -> None:
    with Bench(tmp_path, archive=False, settings=SINK_SETTINGS) as bench:
        node = bench.node()
        bench.start_gateway()
        eventually(bench.received, 15)
        bench.broker.stop()
        time.sleep(AWAY_S)
        waiting = node.cable.acknowledged() - bench.received()
        assert len(waiting) >= AWAY_S * 5
        bench.broker.start()
        bench.gateway.wait_for(lambda status: status.sinks[0].state == "online", 60)
        before = len(records(bench))
        eventually(lambda: not all(map(is_backfill, records(bench)[before:])), 5)
        status = bench.gateway.wait_for(lambda status: status.sinks[0].backlog_eta_s is not None, 20)
        assert status.sinks[0].backlog > WINDOW
        assert 0 < status.sinks[0].backlog_per_s < 2 * 10

        bench.gateway.kill()  # in the middle of it
        began = len(records(bench))
        bench.start_gateway()
        bench.gateway.wait_for(lambda status: status.store.waiting[SINK] <= WINDOW, 60)
        heard = records(bench)
        bench.settle()

        assert any(map(is_backfill, heard[began:]))
        assert not all(map(is_backfill, heard[began:]))
        # Beside each other: the present did not wait until the past was through.
        last_old = max(at for at, each in enumerate(heard) if is_backfill(each))
        live_between = [each for each in heard[before:last_old] if not is_backfill(each)]
        assert len(live_between) > AWAY_S / 2

    assert node.cable.acknowledged() <= set(map(identity, records(bench))) <= node.cable.sent().keys()
    assert {each.properties["hist"] for each in heard if is_backfill(each)} == {"1"}
    assert {each.properties["hist"] for each in heard if not is_backfill(each)} == {"0"}
    for old in (False, True):
        seqs = first_of_each([each for each in heard if is_backfill(each) is old])
        assert seqs == sorted(seqs)
    copies = Counter(map(identity, records(bench)))
    assert copies.total() - len(copies) <= 2 * WINDOW + NOT_DURABLE
