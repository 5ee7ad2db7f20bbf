"""gateway/agent.py where its parts fail: it goes on, and says what is wrong."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from gateway.agent import Agent
from gateway.config import parse
from gateway.store import StoreError
from tests.gateway.echoing_line import until

CONFIG = """
[gateway]
name = "gw"
state_directory = "{directory}"
[[port]]
glob = "{directory}/no-port*"
[[sink.mqtt]]
url = "mqtt://127.0.0.1:1"
"""


@asynccontextmanager
async def working(directory):
    agent = Agent(parse(CONFIG.format(directory=directory), directory / "fieldgate.toml"))
    task = asyncio.create_task(agent.run())
    try:
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
