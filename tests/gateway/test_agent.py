"""gateway/agent.py where its parts fail: it goes on, and says what is wrong."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from gateway.config import parse
from gateway.gateway import Gateway
from gateway.status import ask
from gateway.status_text import summary
from gateway.store import Store, StoreError, rebuild
from gateway.systemd_notify import STAGE_LIMIT_S, Progress
from tests.gateway.echoing_line import until
from tests.gateway.line_fixtures import running
from tests.gateway.serial_pair import SerialPair
from tests.gateway.wired_node import WiredNode
from wire.node_session import UP

CONFIG = """
[gateway]
name = "gw"
state_directory = "{directory}"
[[port]]
glob = "{directory}/ttyUSB*"
[[sink.mqtt]]
url = "mqtt://127.0.0.1:1"
"""


@asynccontextmanager
async def working(directory):
    agent = Gateway(parse(CONFIG.format(directory=directory), directory / "fieldgate.toml"))
    task = asyncio.create_task(agent.run())
    try:
        await until((directory / "status.sock").exists)
        yield agent
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.wait([task])


def faults(agent):
    return {(fault.subject, fault.name) for fault in agent.status().faults}


@pytest.fixture
def housekeeping_is_quick(monkeypatch):
    monkeypatch.setattr("gateway.agent.HOUSEKEEPING_S", 0.01)


@pytest.fixture
def opening_is_quick(monkeypatch):
    monkeypatch.setattr("gateway.gateway.RETRY_FIRST_S", 0.01)
    monkeypatch.setattr("gateway.gateway.RETRY_MOST_S", 0.01)


@pytest.mark.usefixtures("housekeeping_is_quick")
async def test_a_store_that_cannot_be_read_is_a_fault_until_it_can_be_again(tmp_path, monkeypatch):
    def unreadable(*_):
        raise StoreError("corrupt", "reading: database disk image is malformed")

    async with working(tmp_path) as agent:
        with monkeypatch.context() as patched:
            for method in ("forgettable", "first_and_last_id", "after"):
                patched.setattr(f"gateway.store.reader.Reader.{method}", unreadable)
            await until(lambda: ("store file", "unreadable") in faults(agent))
            status = agent.status()
            assert (status.store.state, "malformed" in status.store.detail) == ("unreadable", True)
        await until(lambda: ("store file", "unreadable") not in faults(agent))
        assert agent.status().store.state == "open"


@pytest.mark.usefixtures("housekeeping_is_quick")
async def test_a_commit_that_hangs_stops_the_watchdog_and_an_idle_store_does_not(tmp_path, monkeypatch):
    now_s = 0.0
    hanging = threading.Event()
    monkeypatch.setattr("gateway.gateway.Progress", lambda: Progress(lambda: now_s))
    monkeypatch.setattr(
        "gateway.store.ledger.Ledger.add", lambda _ledger, _arrivals: hanging.wait(5) and ([], [])
    )
    pair = SerialPair(tmp_path)
    async with working(tmp_path) as agent, running(WiredNode(pair)) as node:
        await until(lambda: node.session.state == UP)
        for _ in range(10):
            now_s += STAGE_LIMIT_S
            await asyncio.sleep(0.02)
            assert agent.progress.stuck() == {}
        node.add()
        await until(lambda: any(each.blocks for each in agent.status().nodes))
        await asyncio.sleep(0.05)
        now_s += STAGE_LIMIT_S + 1
        assert list(agent.progress.stuck()) == ["store"]
        hanging.set()
        await until(lambda: not agent.progress.stuck())
    pair.unplug()


async def test_a_node_is_shown_by_the_name_that_it_gives_itself(tmp_path):
    pair = SerialPair(tmp_path)
    async with working(tmp_path) as agent, running(WiredNode(pair)) as node:
        await until(lambda: node.session.state == UP)
        await until(lambda: [each.name for each in agent.status().nodes] == ["test"])  # once DESCRIBE came
    pair.unplug()


async def test_a_sink_that_is_no_longer_configured_is_a_fault(tmp_path):
    store = Store.open(tmp_path)
    store.start(lambda _arrivals: None, lambda *_: None)
    store.register_sink("old")
    await store.close()
    async with working(tmp_path) as agent:
        assert ("sink old", "not_configured") in faults(agent)


async def test_a_damaged_store_is_set_aside_and_the_gateway_goes_on(tmp_path):
    for number in (1, 2):
        damaged = b"not a database, but what was one" * 100
        (tmp_path / "store.db").write_bytes(damaged)
        async with working(tmp_path) as agent:
            await until(lambda: ("store quarantine", "quarantined") in faults(agent))
            assert agent.status().store.state == "open"
        assert (tmp_path / "quarantine" / str(number) / "store.db").read_bytes() == damaged


@pytest.mark.usefixtures("opening_is_quick")
async def test_a_damaged_store_that_cannot_be_set_aside_is_waited_for(tmp_path):
    (tmp_path / "store.db").write_bytes(b"not a database, but what was one" * 100)
    (tmp_path / "quarantine").write_text("in the way")
    async with working(tmp_path) as agent:
        assert ("store", "unopened") in faults(agent)
        assert "corrupt: " in agent.status().store.detail
        assert f"next step: move {tmp_path}/store.db* away" in agent.status().store.detail
        assert (tmp_path / "store.db").exists()
        (tmp_path / "quarantine").unlink()
        await until(lambda: agent.status().store.state == "open")
        assert ("store", "unopened") not in faults(agent)


async def test_a_store_that_takes_long_to_open_leaves_time_for_the_watchdog(tmp_path, monkeypatch):
    """All of a large store is read to begin it anew."""
    going_on = threading.Event()
    rebuilding = rebuild.Found.__init__

    def slowly(found, folder):
        assert going_on.wait(5)
        rebuilding(found, folder)

    monkeypatch.setattr(rebuild.Found, "__init__", slowly)
    (tmp_path / "store.db").write_bytes(b"not a database, but what was one" * 100)
    agent = Gateway(parse(CONFIG.format(directory=tmp_path), tmp_path / "fieldgate.toml"))
    task = asyncio.create_task(agent.run())
    try:
        await until((tmp_path / "quarantine" / "1" / "to-be-salvaged").exists)
        assert (agent.status().store.state, agent.progress.stuck()) == ("unopened", {})
        going_on.set()
        await until(lambda: agent.status().store.state == "open")
    finally:
        going_on.set()
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.usefixtures("opening_is_quick")
async def test_a_state_directory_that_cannot_be_made_is_waited_for(tmp_path):
    (tmp_path / "file").touch()
    agent = Gateway(parse(CONFIG.format(directory=tmp_path / "file" / "state"), tmp_path / "fieldgate.toml"))
    task = asyncio.create_task(agent.run())
    try:
        await until(lambda: ("store", "unopened") in faults(agent))
        status = agent.status()
        assert (status.ports, status.nodes, status.sinks, status.store.stored) == ((), (), (), 0)
        assert summary(status).startswith(f"waits for its store: io: {tmp_path}/file/state")
        (tmp_path / "file").unlink()
        await until(lambda: agent.status().store.state == "open")
        assert agent.status().ports
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.usefixtures("opening_is_quick")
async def test_a_store_that_opens_and_cannot_be_read_is_waited_for(tmp_path, monkeypatch):
    def unreadable(*_):
        raise StoreError("io", "reading: disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr("gateway.store.reader.Reader.exchanges", unreadable)
        agent = Gateway(parse(CONFIG.format(directory=tmp_path), tmp_path / "fieldgate.toml"))
        task = asyncio.create_task(agent.run())
        await until(lambda: ("store", "unopened") in faults(agent))
    await until(lambda: agent.status().store.state == "open")
    task.cancel()
    await asyncio.wait([task])


async def test_the_socket_of_another_agent_stays_its_own(tmp_path):
    async with working(tmp_path) as agent:
        with pytest.raises(StoreError) as refused:
            await Gateway(parse(CONFIG.format(directory=tmp_path), tmp_path / "fieldgate.toml")).run()
        assert refused.value.reason == "in_use"
        answer = await asyncio.to_thread(ask, tmp_path / "status.sock")
        assert answer.uptime_s <= agent.status().uptime_s


async def test_what_was_set_aside_is_a_fault_until_it_is_gone(tmp_path):
    (tmp_path / "quarantine" / "7").mkdir(parents=True)
    async with working(tmp_path) as agent:
        assert ("store quarantine", "quarantined") in faults(agent)
    (tmp_path / "quarantine" / "7").rmdir()
    async with working(tmp_path) as agent:
        assert ("store quarantine", "quarantined") not in faults(agent)
