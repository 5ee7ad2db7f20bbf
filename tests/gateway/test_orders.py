"""Orders on a real line: what the node is asked, how often, and what comes back."""

import asyncio

import pytest

from gateway.link_state import LinkState
from gateway.orders import BegunAnew, Orders, Unanswered
from tests.gateway.echoing_line import until
from tests.gateway.line_fixtures import gateway, pair, running
from tests.gateway.wired_node import WiredNode
from tests.wire.chain import BOOT
from wire import remote

__all__ = ["gateway", "pair"]


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr("gateway.orders.COMMAND_TIMEOUT_S", 0.2)


def command(id_):
    return remote.Command(id_, "reset", {})


async def linked(line):
    await until(lambda: line.state() is LinkState.OPEN)
    return line.node


def commands(node):
    return [message for message in node.received if isinstance(message, remote.Command)]


async def test_the_answer_comes_to_whoever_asked(gateway, pair):
    node = WiredNode(pair, obey=lambda order: remote.Result(order.id, "ok", [1, b"x"]))
    async with gateway.line(pair) as line, running(node):
        asked = await linked(line)
        results = [await asked.orders.ask(command) for _ in range(3)]
    assert [result.value for result in results] == [[1, b"x"]] * 3
    assert len({order.id for order in commands(node)}) == len(commands(node)) == 3


async def test_an_order_without_answer_is_repeated_with_its_id_and_then_given_up(gateway, pair, hasty):
    node = WiredNode(pair)
    async with gateway.line(pair) as line, running(node):
        asked = await linked(line)
        with pytest.raises(Unanswered):
            await asked.orders.ask(command)
    assert len(commands(node)) == 5
    assert len({order.id for order in commands(node)}) == 1


async def test_the_second_try_is_as_good_as_the_first(gateway, pair, hasty):
    heard = []

    def obey(order):
        heard.append(order.id)
        return remote.Result(order.id, "ok") if len(heard) == 2 else None

    async with gateway.line(pair) as line, running(WiredNode(pair, obey=obey)):
        asked = await linked(line)
        assert (await asked.orders.ask(command)).status == "ok"


async def test_a_second_order_waits_until_the_first_has_ended(gateway, pair, hasty):
    def obey(order):
        return remote.Result(order.id, "ok") if order.operation == "second" else None

    node = WiredNode(pair, obey=obey)
    async with gateway.line(pair) as line, running(node):
        asked = await linked(line)
        first = asyncio.create_task(asked.orders.ask(command))
        await until(lambda: commands(node))
        await asked.orders.ask(lambda id_: remote.Command(id_, "second", {}))
        assert first.done()
        assert isinstance(first.exception(), Unanswered)
    assert [order.operation for order in commands(node)] == ["reset"] * 5 + ["second"]


async def test_an_answer_that_comes_twice_or_for_another_order_is_counted_and_changes_nothing(gateway, pair):
    sent = []

    def obey(order):
        sent.append(order.id)
        return remote.Result(order.id if len(sent) > 1 else (order.id + 1) % 2**32, "ok")

    node = WiredNode(pair, obey=obey)
    async with gateway.line(pair) as line, running(node):
        asked = await linked(line)
        asking = asyncio.create_task(asked.orders.ask(command))
        await until(lambda: gateway.count("results_unasked") == 1)
        assert not asking.done()
        assert (await asking).id == sent[-1]


async def test_a_new_boot_ends_what_the_old_one_was_asked(gateway, pair):
    async with gateway.line(pair) as line:
        async with running(WiredNode(pair)) as first:
            asked = await linked(line)
            asking = asyncio.create_task(asked.orders.ask(command))
            await until(lambda: commands(first))
        async with running(WiredNode(pair, boot=BOOT + (1 << 16))) as second:
            with pytest.raises(BegunAnew):
                await asyncio.wait_for(asking, 5)
            assert commands(second) == []


async def test_records_go_on_while_a_node_gives_no_answer(gateway, pair):
    node = WiredNode(pair)
    async with gateway.line(pair) as line, running(node):
        asked = await linked(line)
        asking = asyncio.create_task(asked.orders.ask(command))
        await until(lambda: commands(node))
        node.add(20)
        await until(lambda: not node.queue.records)
        assert not asking.done()
        asking.cancel()
    assert gateway.seqs() == list(range(20))


def test_two_starts_of_a_gateway_do_not_begin_with_the_same_id():
    async def first_id():
        orders = Orders(lambda: None)
        task = asyncio.create_task(orders.ask(command))
        await asyncio.sleep(0)
        message = orders.due()
        task.cancel()
        return message.id

    assert len({asyncio.run(first_id()) for _ in range(20)}) == 20
