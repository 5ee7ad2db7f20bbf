"""The whole firmware on the real MicroPython, seen from the other end of its console."""

import json
import time

import pytest

from tests.firmware.node import Node
from wire import down, faults, up
from wire.framing import ESCAPES_DOWN, stuff

WINDOW = 4000


def meet(node, need_desc=False):
    """Answer the node's HELLO; give it."""
    return welcome(node, node.wait_for(up.Hello), need_desc)


def welcome(node, hello, need_desc=False):
    points = [[boot, stream, first] for boot, stream, first, _ in hello.queued]
    node.send(down.Welcome("gw", points, WINDOW, need_desc, bytes(8)))
    return hello


def fast(tmp_path, **more):
    """Settings whose blocks come soon."""
    values = {
        "groups": [
            {"name": "air", "sensors": [0], "period_ms": 50, "scans": 4},
            {"name": "load", "sensors": [1], "period_ms": 50, "scans": 2},
        ],
        "health_ms": 0,
        **more,
    }
    (tmp_path / "settings.json").write_text(json.dumps(values))


def test_a_node_says_who_it_is_and_describes_itself(tmp_path):
    with Node(tmp_path) as node:
        hello = meet(node, need_desc=True)
        assert hello.uid == b"\x24\x0a\xc4\x00\x00\x01"
        assert hello.reset == "power_on"
        assert hello.fw.startswith("fieldgate 0.1.0, micropython 1.")
        assert hello.queued == [[hello.boot, 1, 0, 0]]
        described = node.wait_for(up.Describe)
        assert [group["name"] for group in described.descriptor["groups"]] == ["air", "load", "health"]
        assert len(described.descriptor["channels"]) == 4 + 12
        assert up.descriptor_hash(described.encode(node.encoder)[2:]) == hello.desc
        log = node.wait_for(up.Log)
        assert log.text.startswith("started, reset power_on, heap free ")


def test_each_boot_has_a_number_of_its_own(tmp_path):
    boots = []
    for _ in range(3):
        with Node(tmp_path) as node:
            boots.append(node.wait_for(up.Hello).boot)
    assert [boot >> 16 for boot in boots] == [0, 1, 2]
    assert (tmp_path / "boot_count").read_text() == "2\n"


def test_readings_of_both_groups_come_and_are_freed_by_the_ack(tmp_path):
    fast(tmp_path)
    with Node(tmp_path) as node:
        hello = meet(node)
        groups = set()
        seq = 0
        for message in node.messages_for(8):
            if isinstance(message, up.Block):
                assert (message.boot, message.stream, message.seq) == (hello.boot, 1, seq)
                # The first few have not settled; a busy machine may miss a slot.
                assert set(message.exceptions.values()) <= {faults.UNSETTLED.code, faults.MISSED.code}
                seq += 1
                node.send(down.Ack(hello.boot, 1, seq, WINDOW))
                groups.add(message.group)
                settled = not message.exceptions
            if groups == {0, 1} and seq > 12:
                break
        assert settled
        node.send(down.Who())
        assert node.wait_for(up.Hello).queued[0][2] == seq


def test_time_is_answered_at_once(tmp_path):
    with Node(tmp_path) as node:
        meet(node)
        trips_ms = []
        for number in range(20):
            begun = time.monotonic()
            node.send(down.Time(number))
            reply = node.wait_for(up.TimeReply)
            trips_ms.append((time.monotonic() - begun) * 1000)
            assert reply.id == number
            assert reply.received <= reply.sent
        assert sorted(trips_ms)[len(trips_ms) // 2] < 5


def test_an_absent_sensor_is_a_fault_and_the_other_one_measures(tmp_path):
    fast(tmp_path)
    with Node(tmp_path, FIELDGATE_ABSENT="1") as node:
        meet(node)
        found = {}
        while len(found) < 2:
            block = node.wait_for(up.Block)
            node.send(down.Ack(block.boot, 1, block.next_seq, WINDOW))
            if faults.UNSETTLED.code not in block.exceptions.values():
                found[block.group] = block
        assert found[0].exceptions == dict.fromkeys(range(len(found[0].values)), faults.ABSENT.code)
        assert not found[1].exceptions


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"sensor": []}', "sensor: unknown key"),
        ("{nope", "settings.json: not JSON"),
        ('{"node": {"name": "}"}', "settings.json: ends in the middle"),
        ('{"sensors":[{"driver":"bme280"},{"driver":"hx711","channels":["a","b"]}]}', "sensors[1].channels"),
        ('{"sensors":[{"driver":"bme280"},{"driver":"hx711","clock":45}]}', "cannot be used: invalid pin"),
        ('{"link": {"via": "uart", "uart": {"tx": 40}}}', "cannot be used: invalid pin"),
    ],
)
def test_broken_settings_do_not_stop_the_node(short_path, text, named):
    (short_path / "settings.json").write_text(text)
    with Node(short_path) as node:
        meet(node)
        while (log := node.wait_for(up.Log)).level != "error":
            pass
        assert log.text.startswith("defaults in use, settings: ")
        assert named in log.text
        assert node.wait_for(up.Block).group == 1


def test_noise_and_bad_messages_cost_nothing_but_themselves(tmp_path):
    with Node(tmp_path) as node:
        meet(node)
        node.write(b"\r\n>>> help()\r\n\x7e\xff\xff" + b"\x80" * 500 + b"\x7e\x7e")
        node.write(stuff(b"\x81\x18\x63", ESCAPES_DOWN))
        node.write(stuff(b"\x9f\x00", ESCAPES_DOWN))
        node.send(down.Time(7))
        assert node.wait_for(up.TimeReply).id == 7


def test_a_crash_is_told_in_every_hello_until_a_welcome_acknowledges_it(tmp_path):
    crash = tmp_path / "crash.txt"
    crash.write_text("crash in boot 3 after 9 s\nTraceback (most recent call last):\n  File\nValueError: 3\n")
    with Node(tmp_path) as node:
        for _ in range(2):
            assert node.wait_for(up.Hello).crash == "crash in boot 3 after 9 s: ValueError: 3"
            assert crash.exists()
        meet(node)
        for _ in node.messages_for(8):
            if not crash.exists():
                break
        assert not crash.exists()
        node.send(down.Who())
        assert node.wait_for(up.Hello).crash == ""


def test_ctrl_c_ends_the_node_in_the_middle_of_its_work(tmp_path):
    with Node(tmp_path) as node:
        meet(node)
        node.interrupt()
        list(node.messages_for(5))
        assert b"KeyboardInterrupt" in node.reader.take_text()
        node.end()  # its output is closed a moment before


def test_without_a_gateway_the_oldest_readings_make_room_and_none_vanishes_silently(tmp_path):
    group = {"name": "air", "sensors": [0], "period_ms": 20, "scans": 1}
    fast(tmp_path, sensors=[{"driver": "bme280"}], groups=[group], queue_octets=2048, queue_flash_octets=0)
    with Node(tmp_path) as node:
        hello = node.wait_for(up.Hello)
        while hello.queued[0][3] <= 2048 // 60:  # the shortest BLOCK of three values
            hello = node.wait_for(up.Hello)  # a second or two later the queue is full
        assert hello.queued[0][2] == 0
        welcome(node, hello)
        gap = node.wait_for(up.Gap)
        assert (gap.seq, gap.reason) == (0, "queue_full")
        assert node.wait_for(up.Block).seq == gap.next_seq
