"""The board begins anew: its button, its power, a technician."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from hil_tests.bench import SETTINGS, Bench, NodeBoard, eventually, judge
from hil_tests.board.flash import NoSuchFile
from hil_tests.broker import Message
from hil_tests.demo.identity import Identity

pytestmark = [pytest.mark.hil, pytest.mark.timeout(90)]

RAM_OCTETS = 4096  # of the queue: full in seconds

RESTARTS: dict[str, Callable[[NodeBoard], None]] = {
    "button": lambda node: node.board.reset(),
    "power": lambda node: node.board.power_cut(),
}


def all_acknowledged(node: NodeBoard) -> None:
    """Wait until all that this boot of the board has sent by now is acknowledged."""
    boot = node.cable.hellos()[-1].boot
    sent = {each for each in node.cable.sent() if each.boot == boot}
    eventually(lambda: sent <= node.cable.acknowledged(), 20)


@pytest.mark.parametrize("restart", RESTARTS)
def test_a_new_boot_has_a_number_of_its_own_and_begins_at_0(bench: Bench, restart: str) -> None:
    node = bench.node()
    bench.start_gateway()
    eventually(bench.received, 15)
    first = node.cable.hellos()[-1].boot
    RESTARTS[restart](node)
    eventually(lambda: any(each.boot != first for each in bench.received()), 20)
    all_acknowledged(node)
    bench.settle()

    judge(bench, node)
    second = node.cable.hellos()[-1]
    assert (second.boot >> 16, second.reset) == ((first >> 16) + 1, "power_on")
    stored = {boot: [row for row in bench.rows() if row.of.boot == boot] for boot in (first, second.boot)}
    assert {row.of.boot for row in bench.rows()} == set(stored)
    assert [rows[0].seq for rows in stored.values()] == [0, 0]
    # No reading of the old boot under the new one: the same octets, but for boot and seq, would show.
    status = bench.gateway.wait_for(lambda _status: True)
    assert [each.boot for each in status.nodes] == [second.boot]


def test_what_only_the_ram_held_is_lost_with_the_power_and_nothing_else(bench: Bench) -> None:
    """What is promised: an acknowledged record is on the gateway's disk. What waits is in the node's
    RAM until a block of flash is full, and ends with it. The next boot does not name it; the boot
    number, one higher, is what shows that there may have been any.
    """
    node = bench.node()
    bench.start_gateway()
    eventually(bench.received, 15)
    bench.gateway.stop()
    first = node.cable.hellos()[-1].boot
    acknowledged = node.cable.acknowledged()
    eventually(lambda: len(node.cable.sent().keys() - acknowledged) > 10, 20)
    node.board.power_cut()
    eventually(lambda: node.cable.hellos()[-1].boot != first, 10)
    hello = node.cable.hellos()[-1]
    assert [queued[0] for queued in hello.queued] == [hello.boot]
    bench.start_gateway()
    eventually(lambda: any(each.boot == hello.boot for each in bench.received()), 20)
    bench.settle()

    judge(bench, node)
    of_first = {row.identity for row in bench.rows() if row.of.boot == first}
    assert acknowledged <= of_first
    assert (
        node.cable.sent().keys() - {each for each in node.cable.sent() if each.boot == hello.boot} > of_first
    )


def test_what_a_node_saved_in_flash_comes_home_under_its_own_boot_and_time(bench: Bench) -> None:
    """The gateway is away, RAM is full, and then the node's power goes, too."""
    node = bench.node(settings={**SETTINGS, "queue_octets": RAM_OCTETS})
    bench.start_gateway()
    eventually(bench.received, 15)
    eventually(lambda: {timed(each) for each in bench.subscriber.messages} & {"resolved"}, 30)
    bench.gateway.stop()
    first = node.cable.hellos()[-1].boot
    eventually(lambda: flash_of(node, segment_after_acks(node, first)), 40)
    acknowledged = len(acknowledged_of(node, first))
    segment = segment_after_acks(node, first)
    node.board.power_cut()
    eventually(lambda: node.cable.hellos()[-1].boot != first, 10)
    second = node.cable.hellos()[-1]
    queued = {each[0]: each for each in second.queued}
    assert list(queued) == [second.boot, first]
    _boot, _stream, first_seq, next_seq = queued[first]
    assert first_seq == acknowledged < next_seq
    bench.start_gateway()
    wanted = set(range(first_seq, next_seq))
    eventually(lambda: wanted <= {each.seq for each in bench.received() if each.boot == first}, 30)
    eventually(lambda: not flash_of(node, segment), 20)
    bench.settle()

    judge(bench, node)
    assert not node.cable.gaps()
    of_first = [each for each in bench.subscriber.messages if each.properties.get("boot") == str(first)]
    assert {timed(each) for each in of_first if int(each.properties["seq"]) in wanted} == {"resolved"}


def acknowledged_of(node: NodeBoard, boot: int) -> list[Identity]:
    """The records of one boot whose ACK reached the board: those from seq 0 on."""
    return [each for each in node.cable.acknowledged() if each.boot == boot]


def segment_after_acks(node: NodeBoard, boot: int) -> str:
    """The file on the node's flash that begins with the first reading that is not acknowledged."""
    return f"/queue/{boot:012x}1{len(acknowledged_of(node, boot)):08x}"


def timed(message: Message) -> str:
    """How well the gateway knows when the readings of a publish were taken."""
    return message.properties.get("time", "")


def flash_of(node: NodeBoard, path: str) -> str:
    """The path, if there is such a file on the node's flash."""
    try:
        node.board.read_file(path)
    except NoSuchFile:
        return ""
    return path


def mpremote(node: NodeBoard, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mpremote", "connect", node.board.port, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_technician_gets_in_while_frames_flow_and_the_node_runs_again(bench: Bench) -> None:
    node = bench.node()
    other = bench.node()
    bench.start_gateway()
    eventually(lambda: {each.node for each in bench.received()} == {node.uid, other.uid}, 15)
    refused = mpremote(node, "exec", "print(1)")
    assert refused.returncode != 0
    assert "in use" in refused.stdout + refused.stderr

    bench.gateway.stop()
    first, sent = node.cable.hellos()[-1].boot, len(node.cable.sent())
    eventually(lambda: len(node.cable.sent()) > sent, 10)
    done = mpremote(node, "exec", "import os; print(sorted(os.listdir('/')))")
    assert (done.returncode, done.stderr) == (0, "")
    assert "'main.py'" in done.stdout
    assert mpremote(node, "reset").returncode == 0
    bench.start_gateway()
    eventually(lambda: any(each.boot >> 16 == (first >> 16) + 1 for each in bench.received()), 20)
    all_acknowledged(node)
    all_acknowledged(other)
    assert {hello.boot for hello in other.cable.hellos()} == {other.cable.hellos()[0].boot}
    bench.settle()
    judge(bench, node)
    judge(bench, other)
