# ruff: noqa: ASYNC110 - what is waited for is a log line or a file, which set no event
import asyncio
import json
import logging
import os
import socket
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.socket_address import ADDRESS_OCTETS
from gateway.socket_server import CLIENT_LIMIT, SOCKET_MODE
from gateway.status import (
    SOCKET_NAME,
    ClockStatus,
    FaultStatus,
    NodeStatus,
    PortStatus,
    SinkStatus,
    Status,
    StatusError,
    StatusServer,
    StoreStatus,
    ask,
)

SMALL = Status(
    version="0.1.0",
    gateway="gw",
    uptime_s=0.5,
    clock=ClockStatus(state="unsynchronised"),
    store=StoreStatus(state="open", stored=0),
)
FULL = Status(
    version="0.1.0",
    gateway="north",
    uptime_s=86_400.0,
    clock=ClockStatus(state="synchronised", utc="2026-11-24T15:00:00Z", uncertainty_us=900),
    store=StoreStatus(state="degraded", detail="disk full", stored=12, waiting={"mqtt": 3}),
    ports=(PortStatus(path="/dev/ttyUSB0", state="open", age_s=4.0),),
    nodes=(
        NodeStatus(
            uid="a1b2c3d4e5f6",
            name="Brücke \x1b[31m",
            port=None,
            boot=65_537,
            link="silent",
            seen_ago_s=100.5,
            clock="resolved",
            uncertainty_us=1_200,
            blocks=99,
        ),
    ),
    sinks=(
        SinkStatus(
            name="mqtt",
            state="connected",
            age_s=3.0,
            broker="mqtt://broker",
            delivered=9,
            in_flight=1,
            backlog=3,
        ),
    ),
    faults=(FaultStatus(name="disk_full", subject="store", detail="0 octets", age_s=1.0),),
    counters={"hellos": 3},
)


def open_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def path(short_path):
    return short_path / SOCKET_NAME


@pytest.mark.parametrize("status", [SMALL, FULL])
def test_a_status_is_the_same_after_json(status):
    text = status.to_json()
    assert "\n" not in text
    assert text.isascii()
    assert Status.from_json(text) == status


def test_keys_of_a_newer_agent_are_ignored():
    document = json.loads(FULL.to_json())
    document["moon"] = "full"
    document["nodes"][0]["mood"] = 1
    assert Status.from_json(json.dumps(document)) == FULL


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("uptime_s"), "status has no uptime_s"),
        (lambda d: d.update(uptime_s="long"), "status.uptime_s is not float"),
        (lambda d: d["nodes"][0].update(boot=True), r"status.nodes\[0\].boot is not int"),
        (lambda d: d.update(ports={}), "status.ports is not"),
        (lambda d: d["counters"].update(x=None), "status.counters.x is not int"),
        (lambda d: d.update(clock=None), "status.clock is not ClockStatus"),
    ],
)
def test_a_document_of_another_shape_is_refused_with_its_place(change, message):
    document = json.loads(FULL.to_json())
    change(document)
    with pytest.raises(StatusError, match=message):
        Status.from_json(json.dumps(document))


@given(st.one_of(st.binary(max_size=50), st.text(max_size=50).map(str.encode)))
def test_any_octets_raise_nothing_but_status_error(octets):
    with pytest.raises(StatusError):
        Status.from_json(octets)


async def test_every_connection_gets_the_snapshot_of_its_moment(path):
    moments = iter([SMALL, FULL])
    async with StatusServer(path, lambda: next(moments)):
        assert await asyncio.to_thread(ask, path) == SMALL
        assert await asyncio.to_thread(ask, path) == FULL


async def test_the_socket_is_for_the_services_user_and_group_only(path):
    before = os.umask(0)
    try:
        async with StatusServer(path, lambda: SMALL):
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
    finally:
        os.umask(before)


async def test_an_answer_is_one_line_of_json(path):
    async with StatusServer(path, lambda: FULL):
        reader, writer = await asyncio.open_unix_connection(path)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer == FULL.to_json().encode() + b"\n"


async def test_a_socket_left_by_a_killed_process_is_replaced(path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.is_socket()
    async with StatusServer(path, lambda: SMALL):
        assert await asyncio.to_thread(ask, path) == SMALL


async def test_a_path_that_is_longer_than_an_address_is_served_as_well(tmp_path):
    folder = tmp_path / ("deep" * ADDRESS_OCTETS)[:ADDRESS_OCTETS]
    folder.mkdir()
    path = folder / SOCKET_NAME
    descriptors = open_descriptors()
    for _ in range(2):
        async with StatusServer(path, lambda: SMALL):
            assert stat.S_IMODE(path.stat().st_mode) == SOCKET_MODE
            assert await asyncio.to_thread(ask, path) == SMALL
        assert not path.exists()
    assert open_descriptors() == descriptors


async def test_the_socket_is_gone_after_the_server(path):
    async with StatusServer(path, lambda: SMALL):
        assert path.is_socket()
    assert not path.exists()


async def test_a_successors_socket_is_left_alone(path):
    async with StatusServer(path, lambda: SMALL):
        successor = StatusServer(path, lambda: FULL)
        await successor.__aenter__()
    assert await asyncio.to_thread(ask, path) == FULL
    await successor.__aexit__()


async def test_a_file_of_another_kind_is_neither_replaced_nor_a_reason_to_stop(path, caplog):
    path.write_text("precious", encoding="utf-8")
    task = asyncio.create_task(StatusServer(path, lambda: SMALL).run())
    while not caplog.messages:
        await asyncio.sleep(0)
    assert f"cannot listen at {path}" in caplog.messages[0]
    assert not task.done()
    assert path.read_text(encoding="utf-8") == "precious"
    task.cancel()


async def test_a_server_that_is_cancelled_while_it_begins_leaves_no_socket_open(path):
    for turns in range(4):
        task = asyncio.create_task(StatusServer(path, lambda: SMALL).run())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
            ask(path)


async def test_run_serves_until_it_is_cancelled(path):
    task = asyncio.create_task(StatusServer(path, lambda: SMALL).run())
    while not path.is_socket():
        await asyncio.sleep(0)
    assert await asyncio.to_thread(ask, path) == SMALL
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not path.exists()


async def test_clients_that_do_not_read_do_not_keep_others_out_for_ever(path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("gateway.socket_server.CLIENT_TIMEOUT_S", 0.05)
    big = Status(
        version="0",
        gateway="gw",
        uptime_s=0.0,
        clock=SMALL.clock,
        store=SMALL.store,
        counters={f"name_{number}": number for number in range(30_000)},
    )
    async with StatusServer(path, lambda: big):
        idle = [await asyncio.open_unix_connection(path) for _ in range(CLIENT_LIMIT)]
        while sum("client went away" in message for message in caplog.messages) < CLIENT_LIMIT:
            await asyncio.sleep(0.01)
        monkeypatch.setattr("gateway.socket_server.CLIENT_TIMEOUT_S", 5.0)
        assert await asyncio.to_thread(ask, path) == big
        for _, writer in idle:
            writer.close()


async def test_one_client_more_than_the_limit_is_turned_away(path):
    big = Status(
        version="0",
        gateway="x" * 1_000_000,
        uptime_s=0.0,
        clock=SMALL.clock,
        store=SMALL.store,
    )
    async with StatusServer(path, lambda: big):
        idle = [await asyncio.open_unix_connection(path, limit=1) for _ in range(CLIENT_LIMIT)]
        for reader, _ in idle:
            assert await reader.read(1) == b"{"  # it is being served
        with pytest.raises(StatusError, match="without an answer"):
            await asyncio.to_thread(ask, path)
        for _, writer in idle:
            writer.close()


def test_nobody_listening_is_an_os_error(path):
    with pytest.raises(FileNotFoundError):
        ask(path)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(ConnectionRefusedError):
        ask(path)
