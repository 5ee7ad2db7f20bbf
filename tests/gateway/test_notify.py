import asyncio
import logging
import os
import signal
import socket
from dataclasses import replace

import pytest

from gateway.commands.run import serve
from gateway.status import ClockStatus, Status, StoreStatus
from gateway.systemd_notify import STAGE_LIMIT_S, STATUS_LIMIT, Notifier, Progress


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


class Systemd:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(5)

    def next(self):
        return self.socket.recv(4_096).decode()

    def waiting(self):
        self.socket.setblocking(False)
        states = []
        try:
            while True:
                states.append(self.next())
        except BlockingIOError:
            return states
        finally:
            self.socket.settimeout(5)


class StandIn:
    """A service with nothing to do: it ends when it is cancelled, or with `error`."""

    def __init__(self, progress, error=None):
        self.progress = progress
        self.error = error
        self.started = asyncio.Event()
        self.ended_cleanly = False

    async def run(self):
        self.started.set()
        if self.error is not None:
            raise self.error
        try:
            await asyncio.Future()
        finally:
            self.ended_cleanly = True

    def status(self):
        return Status(
            version="0",
            gateway="gw",
            uptime_s=1.0,
            clock=ClockStatus(state="synchronised"),
            store=StoreStatus(state="open", stored=7),
        )


@pytest.fixture
def address(short_path):
    return str(short_path / "notify")


@pytest.fixture
def systemd(address):
    end = Systemd(address)
    yield end
    end.socket.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def progress(clock):
    return Progress(clock)


def test_states_arrive_as_systemd_expects_them(systemd, address):
    notifier = Notifier(address)
    notifier.ready()
    notifier.alive()
    notifier.status("two\nlines  of text")
    notifier.stopping()
    assert systemd.waiting() == ["READY=1", "WATCHDOG=1", "STATUS=two lines of text", "STOPPING=1"]


def test_an_abstract_socket_is_reached_too():
    name = f"fieldgate-test-{os.getpid()}"
    end = Systemd("\0" + name)
    Notifier("@" + name).ready()
    assert end.next() == "READY=1"
    end.socket.close()


def test_a_status_is_cut(systemd, address):
    Notifier(address).status("x" * 1_000)
    assert systemd.next() == "STATUS=" + "x" * STATUS_LIMIT


def test_without_systemd_nothing_happens():
    notifier = Notifier.from_environment({})
    notifier.ready()
    assert notifier.watchdog_s is None


@pytest.mark.parametrize(
    ("environ", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdogs_time_is_what_systemd_said_to_this_process(environ, watchdog_s):
    assert Notifier.from_environment(environ).watchdog_s == watchdog_s


def test_a_socket_that_is_gone_is_logged_once_and_harms_nothing(address, caplog):
    notifier = Notifier(address)
    for _ in range(3):
        notifier.alive()
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("systemd cannot be told WATCHDOG=1")


def test_a_systemd_that_does_not_read_does_not_block_us(systemd, address, caplog):
    notifier = Notifier(address)
    for _ in range(10_000):
        notifier.alive()
    assert len(caplog.messages) == 1
    assert len(systemd.waiting()) < 10_000


def test_a_stage_that_does_not_move_is_stuck_after_its_limit(progress, clock):
    store = progress.stage("store")
    progress.stage("sink", limit_s=1_000.0)
    clock.now_s = STAGE_LIMIT_S
    assert progress.stuck() == {}
    clock.now_s = STAGE_LIMIT_S + 4
    assert progress.stuck() == {"store": STAGE_LIMIT_S + 4}
    store.moved()
    assert progress.stuck() == {}


def test_a_stage_that_is_idle_for_a_reason_is_never_stuck_until_it_moves_again(progress, clock):
    store = progress.stage("store")
    store.idle("no records")
    clock.now_s = 1e6
    assert progress.stuck() == {}
    store.moved()
    clock.now_s += STAGE_LIMIT_S + 1
    assert list(progress.stuck()) == ["store"]


def test_a_stage_that_has_ended_is_not_missed(progress, clock):
    progress.stage("port /dev/ttyUSB0")
    progress.end("port /dev/ttyUSB0")
    clock.now_s = 1e6
    assert progress.stuck() == {}


async def run_until(service, systemd, wanted, notifier):
    """Serve until systemd has heard what is wanted; then SIGTERM. Everything that was heard."""
    heard = []
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(service, notifier))
        while not wanted(heard):
            heard.append(await asyncio.to_thread(systemd.next))
        os.kill(os.getpid(), signal.SIGTERM)
    return heard + systemd.waiting()


async def test_the_watchdog_is_fed_while_every_stage_moves(systemd, address, progress):
    progress.stage("store").idle("no records")
    service = StandIn(progress)
    notifier = Notifier(address, watchdog_s=0.05)
    heard = await run_until(service, systemd, lambda heard: heard.count("WATCHDOG=1") == 3, notifier)
    assert heard[0] == "READY=1"
    assert heard[-1] == "STOPPING=1"
    assert "STATUS=0 nodes; 7 records stored; waiting: none" in heard
    assert service.ended_cleanly


async def test_the_watchdog_starves_when_one_stage_is_stuck(systemd, address, progress, clock, caplog):
    progress.stage("store")
    progress.stage("sink mqtt").idle("no broker")
    clock.now_s = 300.0
    notifier = Notifier(address, watchdog_s=0.05)
    stuck = "STATUS=stuck: store 5 min"
    heard = await run_until(StandIn(progress), systemd, lambda heard: heard.count(stuck) == 3, notifier)
    assert "WATCHDOG=1" not in heard
    assert caplog.messages == ["store has not moved for 300 s"]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_service_cleanly_and_gives_the_signal_back(end, progress, caplog):
    caplog.set_level(logging.INFO)
    before = signal.getsignal(end)
    service = StandIn(progress)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(service, Notifier(None)))
        await service.started.wait()
        os.kill(os.getpid(), end)
    assert service.ended_cleanly
    assert signal.getsignal(end) in (before, signal.SIG_DFL, signal.default_int_handler)
    assert caplog.messages == [f"{end.name}: ending", "ended"]


async def test_a_service_that_fails_brings_its_error_up(progress):
    with pytest.raises(ExceptionGroup) as caught:
        await serve(StandIn(progress, error=ZeroDivisionError("a mistake")), Notifier(None))
    assert caught.group_contains(ZeroDivisionError)


async def test_a_fault_is_named_in_the_status_line(systemd, address, progress):
    service = StandIn(progress)
    sick = replace(service.status(), store=StoreStatus(state="full", stored=1, waiting={"mqtt": 1}))
    service.status = lambda: sick
    heard = await run_until(service, systemd, lambda heard: len(heard) == 3, Notifier(address))
    assert "STATUS=0 nodes; 1 records stored; waiting: 1 for mqtt" in heard
