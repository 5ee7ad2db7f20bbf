"""gateway/port.py with real ptys."""

import asyncio
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import serial

from gateway.config import PortConfig
from gateway.counters import Conditions, Counters
from gateway.port import BUSY_MEANING, DENIED_STEP, PORTS_LIMIT, PortState, PortSupervisor, PortTiming
from gateway.serial_port import OpenFault, PortLost, PortUnopened
from tests.gateway.echoing_line import EchoingLine, until
from tests.gateway.serial_pair import SerialPair

QUICK = PortTiming(rescan_s=0.005, retry_s=0.005, retry_limit_s=0.02, busy_retry_s=0.005)
OPEN_FILES = Path("/proc/self/fd")


@pytest.fixture(autouse=True)
def _no_file_is_left_open():
    before = set(OPEN_FILES.iterdir())
    yield
    assert set(OPEN_FILES.iterdir()) <= before


@pytest.fixture
def plug(tmp_path):
    """Plugs a node in under a name."""
    pairs = []

    def make(name="ttyUSB0"):
        pairs.append(SerialPair(tmp_path, name))
        return pairs[-1]

    yield make
    for pair in pairs:
        pair.unplug()


@pytest.fixture
def line():
    return EchoingLine()


@pytest.fixture
def counters():
    return Counters()


@pytest.fixture
def supervisor_of(tmp_path, line, counters):
    def make(**changes):
        arguments = {
            "taken": set(),
            "counters": counters,
            "conditions": Conditions(counters),
            "timing": QUICK,
        }
        arguments |= changes
        serve = arguments.pop("serve", line.serve)
        pattern = arguments.pop("glob", str(tmp_path / "ttyUSB*"))
        return PortSupervisor(PortConfig(glob=pattern), serve, **arguments)

    return make


@asynccontextmanager
async def running(*supervisors):
    """Runs them; they leave no task behind, and none of them ever ends by itself."""
    tasks = [asyncio.create_task(supervisor.run()) for supervisor in supervisors]
    yield
    assert not any(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert asyncio.all_tasks() == {asyncio.current_task()}


def states(supervisor):
    return {Path(each.path).name: each.state for each in supervisor.status()}


async def test_a_glob_that_matches_nothing_is_absent_and_no_fault(supervisor_of):
    supervisor = supervisor_of()
    async with running(supervisor):
        await until(lambda: states(supervisor) == {"ttyUSB*": PortState.ABSENT})


async def test_a_port_that_is_there_is_opened_and_served(supervisor_of, plug, line):
    pair = plug()
    supervisor = supervisor_of()
    async with running(supervisor):
        await line.echoed(pair)
        assert states(supervisor) == {"ttyUSB0": PortState.OPEN}


async def test_a_port_that_comes_later_is_found(supervisor_of, plug, line):
    supervisor = supervisor_of()
    async with running(supervisor):
        await until(lambda: states(supervisor) == {"ttyUSB*": PortState.ABSENT})
        pair = plug()
        await line.echoed(pair)


async def test_an_unplugged_port_is_lost_and_served_again_under_another_name(supervisor_of, plug, line):
    pair = plug("ttyUSB0")
    supervisor = supervisor_of()
    async with running(supervisor):
        await line.echoed(pair)
        pair.unplug()
        await until(lambda: states(supervisor) == {"ttyUSB0": PortState.LOST})
        again = plug("ttyUSB1")
        await line.echoed(again)
        assert states(supervisor) == {"ttyUSB1": PortState.OPEN}
        assert [Path(path).name for path in line.served] == ["ttyUSB0", "ttyUSB1"]


async def test_a_hundred_replugs_leave_one_port(supervisor_of, plug, counters, line):
    supervisor = supervisor_of()
    async with running(supervisor):
        for number in range(100):
            pair = plug(f"ttyUSB{number}")
            await line.echoed(pair)
            pair.unplug()
        await until(lambda: list(states(supervisor).values()) == [PortState.LOST])
    assert counters.snapshot()["port_opened"] == 100
    assert counters.snapshot()["port_lost"] == 100


async def test_losing_one_port_leaves_the_other_alone(supervisor_of, plug, line):
    one, other = plug("ttyUSB0"), plug("ttyUSB1")
    supervisor = supervisor_of()
    async with running(supervisor):
        await line.echoed(one)
        await line.echoed(other)
        one.unplug()
        await until(lambda: states(supervisor)["ttyUSB0"] == PortState.LOST)
        await line.echoed(other)
        assert states(supervisor)["ttyUSB1"] == PortState.OPEN


async def test_a_port_that_another_program_has_is_busy_and_taken_when_it_is_free(supervisor_of, plug, line):
    pair = plug()
    supervisor = supervisor_of()
    with serial.Serial(pair.device, exclusive=True):
        async with running(supervisor):
            await until(lambda: states(supervisor) == {"ttyUSB0": PortState.BUSY})
            assert supervisor.status()[0].detail == f"EAGAIN: {BUSY_MEANING}"
    async with running(supervisor):
        await line.echoed(pair)
        assert states(supervisor) == {"ttyUSB0": PortState.OPEN}


async def test_a_port_becomes_free_while_the_supervisor_waits(supervisor_of, plug, line):
    pair = plug()
    supervisor = supervisor_of()
    other_program = serial.Serial(pair.device, exclusive=True)
    async with running(supervisor):
        await until(lambda: states(supervisor) == {"ttyUSB0": PortState.BUSY})
        other_program.close()
        await line.echoed(pair)


async def test_a_port_without_permission_says_what_to_do(supervisor_of, plug):
    plug()

    def forbidden(path, baud):
        raise PortUnopened(path, OpenFault.DENIED, "EACCES")

    supervisor = supervisor_of(opener=forbidden)
    async with running(supervisor):
        await until(lambda: states(supervisor) == {"ttyUSB0": PortState.DENIED})
        assert supervisor.status()[0].detail == f"EACCES: {DENIED_STEP}"


async def test_a_device_with_two_names_is_opened_once(supervisor_of, plug, tmp_path, line):
    pair = plug("ttyUSB0")
    (tmp_path / "by-path").symlink_to(pair.device)
    taken = set()
    supervisors = [supervisor_of(taken=taken), supervisor_of(taken=taken, glob=str(tmp_path / "by-*"))]
    async with running(*supervisors):
        await line.echoed(pair)
        await until(lambda: line.served)
        assert [state for each in supervisors for state in states(each).values()] == ["open", "absent"]
    assert taken == set()


async def test_two_globs_that_overlap_serve_each_port_once(supervisor_of, plug, line):
    pairs = [plug(f"ttyUSB{number}") for number in range(3)]
    taken = set()
    async with running(supervisor_of(taken=taken), supervisor_of(taken=taken)):
        for pair in pairs:
            await line.echoed(pair)
        assert len(line.served) == 3


async def test_a_name_that_leads_to_another_device_is_opened_anew(supervisor_of, plug, line):
    pair = plug("ttyUSB0")
    supervisor = supervisor_of()
    async with running(supervisor):
        await line.echoed(pair)
        pair.unplug()
        pair = plug("ttyUSB0")
        await line.echoed(pair)
        assert len(line.served) == 2
        assert states(supervisor) == {"ttyUSB0": PortState.OPEN}


async def test_a_file_that_is_no_port_is_no_reason_to_stop(supervisor_of, plug, tmp_path, line):
    (tmp_path / "ttyUSB9").write_bytes(b"")
    pair = plug()
    supervisor = supervisor_of()
    async with running(supervisor):
        await line.echoed(pair)
        await until(lambda: states(supervisor)["ttyUSB9"] == PortState.LOST)


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (KeyError("typo"), "KeyError"),
        (PortLost("x", "EIO"), "EIO"),
        (ExceptionGroup("two tasks", [PortLost("x", "EIO"), PortLost("x", "hangup")]), "EIO"),
        (ExceptionGroup("both", [PortLost("x", "EIO"), KeyError("typo")]), "ExceptionGroup"),
    ],
)
async def test_whatever_ends_the_serving_the_port_is_tried_again(
    supervisor_of, plug, counters, error, detail
):
    plug()
    attempts = []

    async def failing(port):
        attempts.append(port)
        raise error

    supervisor = supervisor_of(serve=failing)
    async with running(supervisor):
        await until(lambda: len(attempts) >= 3)
        assert {(each.state, each.detail) for each in supervisor.status()} <= {("lost", detail), ("open", "")}
    assert counters.snapshot().get("port_serve_failed", 0) == (0 if detail == "EIO" else len(attempts))


async def test_pauses_double_up_to_the_limit_and_are_jittered(supervisor_of, plug):
    plug()
    loop = asyncio.get_running_loop()
    opened_s = []

    def failing(path, baud):
        opened_s.append(loop.time())
        raise PortUnopened(path, OpenFault.FAILED, "EIO")

    timing = PortTiming(rescan_s=0.005, retry_s=0.02, retry_limit_s=0.1)
    supervisor = supervisor_of(opener=failing, timing=timing, jitter=lambda: 0.0)
    async with running(supervisor):
        await until(lambda: len(opened_s) >= 6)
    pauses_s = [later - earlier for earlier, later in pairwise(opened_s)]
    # Half of 0.04, 0.08, 0.1, 0.1 ... at the least: the jitter here is 0; the clock never runs fast.
    for pause_s, least_s in zip(pauses_s, (0.02, 0.04, 0.05, 0.05, 0.05), strict=False):
        assert pause_s >= least_s - 0.001


async def test_more_ports_than_the_limit_are_left_alone_and_named(supervisor_of, tmp_path, counters):
    for number in range(PORTS_LIMIT + 3):
        (tmp_path / f"ttyUSB{number:03}").write_bytes(b"")
    conditions = Conditions(counters)
    supervisor = supervisor_of(conditions=conditions)
    async with running(supervisor):
        await until(lambda: len(supervisor.status()) == PORTS_LIMIT)
        assert any(fault.state == "too_many_ports" for fault in conditions.faults())


async def test_cancelling_gives_all_ports_back(supervisor_of, plug, line):
    pair = plug()
    taken = set()
    async with running(supervisor_of(taken=taken)):
        await line.echoed(pair)
    assert taken == set()
    serial.Serial(pair.device, exclusive=True).close()
