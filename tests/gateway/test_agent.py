"""gateway/agent.py where its parts fail: it goes on, and says what is wrong."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from gateway.agent import Agent
from gateway.config import parse
from gateway.store import Store, StoreError
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
    agent = Agent(parse(CONFIG.format(directory=directory), directory / "fieldgate.toml"))
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
    monkeypatch.setattr("gateway.agent.Progress", lambda: Progress(lambda: now_s))
    monkeypatch.setattr("gateway.store.ledger.Ledger.add", lambda *_: hanging.wait(5))
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
            assert ("store quarantine", "quarantined") in faults(agent)
            assert agent.status().store.state == "open"
        assert (tmp_path / "quarantine" / str(number) / "store.db").read_bytes() == damaged


async def test_a_damaged_store_that_cannot_be_set_aside_stops_the_start(tmp_path):
    (tmp_path / "store.db").write_bytes(b"not a database, but what was one" * 100)
    (tmp_path / "quarantine").write_text("in the way")
    with pytest.raises(StoreError) as caught:
        async with working(tmp_path):
            pass
    assert caught.value.reason == "corrupt"
    assert (tmp_path / "store.db").exists()


async def test_what_was_set_aside_is_a_fault_until_it_is_gone(tmp_path):
    (tmp_path / "quarantine" / "7").mkdir(parents=True)
    async with working(tmp_path) as agent:
        assert ("store quarantine", "quarantined") in faults(agent)
    (tmp_path / "quarantine" / "7").rmdir()
    async with working(tmp_path) as agent:
        assert ("store quarantine", "quarantined") not in faults(agent)
