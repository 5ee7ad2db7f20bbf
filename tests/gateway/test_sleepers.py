"""A node that sleeps on a real line: what the gateway learns of it, and how it is kept awake."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from gateway.cli import fieldgate
from gateway.control import CONTROL_NAME, ControlServer
from gateway.errand import ErrandFault, ErrandState
from gateway.link_state import LinkState
from gateway.node_clock import TimeState
from gateway.nodes import CONTACT_LATE_S, Nodes
from gateway.remote_desk import RemoteDesk
from gateway.sleepers import expect, ppm_of
from gateway.timeline import Timeline
from tests.gateway.echoing_line import until
from tests.gateway.line_fixtures import gateway, pair, running
from tests.gateway.wired_node import WiredNode
from tests.wire.chain import BOOT, UID
from wire import remote

__all__ = ["gateway", "pair"]

S = 1_000_000_000
SLEEP = {"every_s": 900, "ppm": 10_000}
NAME = UID.hex()
CONFIG = '[gateway]\nstate_directory = "{}"\n[[port]]\nglob = "/dev/nothing*"\n'


def of(gateway):
    return gateway.nodes.meet(UID)


async def test_it_is_asleep_until_its_next_contact_is_overdue(gateway, pair):
    async with gateway.line(pair):
        async with running(WiredNode(pair, sleep=SLEEP)):
            await until(lambda: of(gateway).sleep is not None)
        node = of(gateway)
        heard_ns = node.heard_ns
        assert node.link(heard_ns) is LinkState.OPEN
    due_ns = heard_ns + 909 * S + CONTACT_LATE_S * S
    assert node.link(heard_ns + 400 * S) is LinkState.ASLEEP
    assert node.link(due_ns - S) is LinkState.ASLEEP
    assert node.link(due_ns + S) is LinkState.LOST


async def test_a_node_without_sleep_is_lost_at_once(gateway, pair):
    async with gateway.line(pair), running(WiredNode(pair)):
        await until(lambda: of(gateway).hello is not None)
    assert of(gateway).link(of(gateway).heard_ns + S) is LinkState.LOST


async def test_its_clock_is_that_of_a_sleeper_also_after_a_restart_of_the_gateway(gateway, pair):
    async with gateway.line(pair), running(WiredNode(pair, sleep=SLEEP)) as node:
        node.add()
        await until(lambda: gateway.seqs() == [0])
        await until(lambda: gateway.timeline.node_clock(UID, BOOT)[0] is TimeState.RESOLVED)
    await gateway.store.flush()
    ticks = node.ticks() + 1000 * 1_000_000  # an hour's quarter later, nobody having heard it
    again = Timeline(gateway.store, gateway.clock, ppm_of=lambda uid, boot: ppm_of(gateway.store, uid, boot))
    for timeline in (gateway.timeline, again):
        instant = timeline.utc(UID, BOOT, ticks, arrived_ns=1 << 62, host_boot=timeline.host_boot)
        assert 9 * S < instant.uncertainty_ns < 12 * S
        assert instant.state is TimeState.PROVISIONAL


async def test_a_gateway_that_was_started_again_awaits_it_and_tells_when_it_is_overdue(gateway, pair):
    async with gateway.line(pair), running(WiredNode(pair, sleep=SLEEP)) as node:
        node.add()
        await until(lambda: gateway.seqs() == [0])
    await gateway.store.flush()
    gateway.nodes = Nodes(gateway.store)
    now_ns = gateway.clock.boottime_ns()
    expect(gateway.nodes, gateway.store, gateway.timeline.host_boot, now_ns)
    [awaited] = gateway.nodes
    assert (awaited.uid, awaited.former.boot, awaited.heard_ns) == (UID, BOOT, 0)
    assert awaited.link(now_ns + 900 * S) is LinkState.ASLEEP
    assert awaited.link(now_ns + 909 * S + CONTACT_LATE_S * S + S) is LinkState.LOST
    async with gateway.line(pair), running(WiredNode(pair, sleep=SLEEP)):
        await until(lambda: of(gateway).hello is not None)
        assert of(gateway).link(gateway.clock.boottime_ns()) is LinkState.OPEN


@pytest.mark.parametrize(("sleep", "later", "awaited"), [(SLEEP, 1, 1), (SLEEP, 2, 0), (None, 0, 0)])
async def test_one_that_never_slept_or_was_not_heard_for_two_boots_of_the_host_is_not_awaited(
    gateway, pair, sleep, later, awaited
):
    async with gateway.line(pair), running(WiredNode(pair, sleep=sleep)) as node:
        node.add()
        await until(lambda: gateway.seqs() == [0])
    await gateway.store.flush()
    nodes = Nodes(gateway.store)
    expect(nodes, gateway.store, gateway.timeline.host_boot + later, 0)
    assert len(list(nodes)) == awaited


@pytest.fixture
async def ask(gateway, short_path):
    config = short_path / "fieldgate.toml"
    config.write_text(CONFIG.format(short_path))
    desk = RemoteDesk(gateway.nodes)
    serving = asyncio.create_task(desk.run())

    async def ask(*arguments):
        command = ["remote", NAME, *arguments, "--config", str(config)]
        return await asyncio.to_thread(CliRunner().invoke, fieldgate, command)

    async with ControlServer(short_path / CONTROL_NAME, desk.operations()):
        yield ask
    serving.cancel()


async def test_the_wish_waits_until_the_node_is_heard_and_says_for_how_long_at_most(
    gateway, pair, ask, caplog
):
    caplog.set_level("INFO")
    orders = []

    def obey(order):
        orders.append((order.operation, order.arguments))
        return remote.Result(order.id, "ok")

    async with gateway.line(pair):
        async with running(WiredNode(pair, sleep=SLEEP)):
            await until(lambda: of(gateway).sleep is not None)
        asking = asyncio.create_task(ask("awake", "--for", "10m"))
        await until(lambda: "awake is asked for" in caplog.text)
        assert not asking.done()
        async with running(WiredNode(pair, sleep=SLEEP, obey=obey)):
            result = await asking
    assert result.exit_code == 0, result.output
    assert orders == [("awake", {"seconds": 600})]
    assert "sleeps: this waits for its next contact, 32 min at most" in result.stderr
    assert result.stdout == f"node {NAME} stays awake for 10 min\n"


async def test_a_wish_whose_terminal_went_away_is_replaced_by_the_next_one(gateway, pair):
    seconds = []

    def obey(order):
        seconds.append(order.arguments["seconds"])
        return remote.Result(order.id, "ok")

    desk = RemoteDesk(gateway.nodes)
    serving = asyncio.create_task(desk.run())
    start, look = (desk.operations()[f"remote.{name}"] for name in ("start", "look"))
    async with gateway.line(pair):
        async with running(WiredNode(pair, sleep=SLEEP)):
            await until(lambda: of(gateway).sleep is not None)
        wishes = [start({"node": NAME, "do": "awake", "seconds": each}) for each in (600, 7200)]
        assert wishes[0]["state"] == ErrandState.RUNNING
        async with running(WiredNode(pair, sleep=SLEEP, obey=obey)):
            await until(lambda: look(wishes[1])["state"] == ErrandState.DONE)
    serving.cancel()
    told = look(wishes[0])
    assert (told["state"], told["message"]) == (ErrandState.STOPPED, "another wish took its place")
    assert seconds == [7200]


async def test_what_else_is_asked_of_a_sleeping_node_says_that_it_sleeps_and_what_to_do(gateway, pair, ask):
    async with gateway.line(pair), running(WiredNode(pair, sleep=SLEEP)):
        await until(lambda: of(gateway).sleep is not None)
    result = await ask("reset", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["fault"]) == (1, ErrandFault.ASLEEP)
    assert "awake --for 10m" in told["next_step"]


async def test_a_node_that_never_sleeps_refuses_to_stay_awake_in_its_words(gateway, pair, ask):
    def obey(order):
        return remote.Result(order.id, "refused", "it never sleeps")

    async with gateway.line(pair) as line, running(WiredNode(pair, obey=obey)):
        await until(lambda: line.state() is LinkState.OPEN)
        result = await ask("awake", "--for", "1h")
    assert result.exit_code == 1
    assert "refuses: it never sleeps" in result.stderr


@pytest.mark.parametrize(
    ("text", "said"), [("25h", "is over 86400 s"), ("10 m", "is no time like"), ("-5", "is no time like")]
)
async def test_a_time_that_is_none_is_an_error_of_whoever_typed_it(ask, text, said):
    result = await ask("awake", f"--for={text}")
    assert result.exit_code == 2
    assert said in result.stderr
