"""gateway/line.py between a real pty, a real store and the node's own session."""

import asyncio

import pytest

from gateway.descriptors import Descriptors
from gateway.line import DOWN_SPACING_S, LOST_REASON, Line
from gateway.link_state import LinkState
from gateway.nodes import Nodes
from gateway.serial_adapter import SerialAdapter
from gateway.serial_port import PortLost, SerialPort
from gateway.services import Services
from tests.gateway.echoing_line import until
from tests.gateway.line_fixtures import gateway, pair, running
from tests.gateway.serial_pair import SerialPair
from tests.gateway.wired_node import DESCRIPTOR, DESCRIPTOR_NAME, WiredNode
from tests.wire.chain import BOOT, UID
from wire import cbor, down, up
from wire.framing import ESCAPES_UP, FRAME_LIMIT_DOWN, FRAME_LIMIT_UP, FrameReader, stuff
from wire.node_session import SEEKING, UP

__all__ = ["gateway", "pair"]
OTHER_NAME = b"otherone"


async def test_records_are_stored_in_order_and_acknowledged(gateway, pair):
    async with gateway.line(pair) as line, running(WiredNode(pair)) as node:
        node.add(30)
        await until(lambda: not node.queue.records)
        assert gateway.seqs() == list(range(30))
        assert line.state() is LinkState.OPEN
        assert gateway.store.descriptor(DESCRIPTOR_NAME) == cbor.encode(DESCRIPTOR)
        assert gateway.store.next_seqs(UID) == {(BOOT, 1): 30}


async def test_nothing_is_acknowledged_before_it_is_on_disk(gateway, pair):
    async with gateway.line(pair), running(WiredNode(pair)) as node:
        node.add(200)
        acknowledged = 0
        while node.queue.records:
            acks = [m.next_seq for m in node.received if isinstance(m, down.Ack)]
            acknowledged = max([acknowledged, *acks])
            on_disk = gateway.store.next_seqs(UID).get((BOOT, 1), 0)
            assert on_disk >= acknowledged
            await asyncio.sleep(0)
        assert node.session.acked == 200


async def test_the_clock_is_asked_and_dates_the_records(gateway, pair):
    async with gateway.line(pair), running(WiredNode(pair)) as node:
        before_ns = gateway.clock.reading().realtime_ns
        await until(lambda: gateway.timeline.node_clock(UID, BOOT)[0] == "resolved")
        ticks = node.ticks()
        utc = gateway.timeline.utc(
            UID, BOOT, ticks, arrived_ns=gateway.clock.boottime_ns(), host_boot=gateway.timeline.host_boot
        )
        after_ns = gateway.clock.reading().realtime_ns
        assert before_ns - utc.uncertainty_ns <= utc.utc_ns <= after_ns + utc.uncertainty_ns


async def test_a_node_that_moves_to_another_port_goes_on_where_it_was(gateway, pair, tmp_path):
    other = SerialPair(tmp_path, "ttyUSB1")
    async with (
        gateway.line(pair) as line,
        gateway.line(other) as other_line,
        running(WiredNode(pair)) as node,
    ):
        node.add(10)
        await until(lambda: not node.queue.records)
        node.pair = other
        node.add(10)
        await until(lambda: not node.queue.records)
        assert gateway.seqs() == list(range(20))
        assert (line.node, other_line.node) == (None, gateway.nodes.meet(UID))
    other.unplug()


async def test_two_nodes_with_one_uid_are_a_fault_that_is_told_once(gateway, pair, tmp_path, caplog):
    other = SerialPair(tmp_path, "ttyUSB1")
    async with (
        gateway.line(pair),
        gateway.line(other),
        running(WiredNode(pair)),
        running(WiredNode(other, boot=BOOT + 1)),
    ):
        await until(lambda: gateway.count("uid_twice") >= 6)
    told = [record.getMessage() for record in caplog.records if "uid_twice" in record.getMessage()]
    assert len([each for each in told if "no longer" not in each]) == 2  # once for each line
    other.unplug()


async def test_a_restarted_gateway_asks_who_and_takes_nothing_twice(gateway, pair, tmp_path):
    async with running(WiredNode(pair)) as node:
        async with gateway.line(pair):
            node.add(5)
            await until(lambda: not node.queue.records)
        gateway.nodes = Nodes(gateway.store)  # what a restart knows: the disk
        node.add(5)
        async with gateway.line(pair):
            await until(lambda: not node.queue.records)
        assert gateway.seqs() == list(range(10))


async def test_records_that_the_disk_lost_are_named_in_a_gap(gateway, pair):
    async with gateway.line(pair), running(WiredNode(pair)) as node:
        node.add(3)
        await until(lambda: not node.queue.records)
        node.queue.first_seq = 8  # an acknowledgement that this disk knows nothing of
        node.add(1)
        node.session.receive(down.Who(), node.ticks() // 1000, node.ticks())
        await until(lambda: not node.queue.records)
        gap = up.decode(gateway.store.read_after(3, 1)[0].message)
        assert (gap.seq, gap.next_seq, gap.reason) == (3, 8, LOST_REASON)
        assert gateway.seqs() == [0, 1, 2, 3, 8]


async def test_records_of_an_earlier_boot_keep_the_descriptor_they_were_taken_with(gateway, pair):
    node = WiredNode(pair, boot=BOOT + 1)
    node.queue.descs = lambda: [[BOOT, OTHER_NAME]]
    node.add()
    async with gateway.line(pair), running(node):
        await until(lambda: not node.queue.records)
        assert [row.descriptor for row in gateway.store.read_after(0, 10)] == [OTHER_NAME]


async def test_a_gap_of_the_gateway_waits_for_the_descriptor(gateway, pair):
    async with gateway.line(pair), running(WiredNode(pair)) as node:
        node.add(3)
        await until(lambda: not node.queue.records)
    async with gateway.line(pair):
        changed = up.Hello(UID, BOOT, 9, "t", bytes(8), "x", [[BOOT, 1, 8, 9]], 240, b"nonce678")
        pair.send(stuff(changed.encode(cbor.Encoder(999)), ESCAPES_UP))
        await until(lambda: gateway.count("hellos") == 2)
        assert gateway.seqs() == [0, 1, 2]
        pair.send(stuff(up.Describe({"channels": []}).encode(cbor.Encoder(999)), ESCAPES_UP))
        await until(lambda: gateway.count("descriptor_mismatch") == 1)
        assert gateway.seqs() == [0, 1, 2]


async def test_what_the_store_has_no_room_for_is_sent_again(gateway, pair, monkeypatch):
    monkeypatch.setattr("gateway.store.store.QUEUE_LIMIT_OCTETS", 1500)
    async with gateway.line(pair), running(WiredNode(pair)) as node:
        node.add(8)  # each refusal costs a real ACK timeout of 2 s
        await until(lambda: not node.queue.records)
    assert gateway.seqs() == list(range(8))
    assert gateway.count("store_queue_full") > 0


HELLO = up.Hello(UID, BOOT, 0, "t", DESCRIPTOR_NAME, "x", [], 240, b"nonce678").items()[1]


async def test_boot_text_is_kept_as_the_nodes_console(gateway, pair):
    async with gateway.line(pair), running(WiredNode(pair)) as node:
        await until(lambda: node.session.state == UP)
        pair.send(b"Traceback (most recent call last):\r\n\x1b[31mOSError\r\n")
        await until(lambda: len(gateway.nodes.meet(UID).console) == 2)
        console = list(gateway.nodes.meet(UID).console)
        assert console[0].startswith("Traceback")
        assert "\x1b" not in console[1]


async def test_the_pace_of_the_line_is_taken_out_of_the_round_trips(gateway, pair):
    # A pty is faster than any baud, so that what is taken out is found out at once, and only once.
    slow = SerialAdapter(octet_ns=5_000_000)
    async with gateway.line(pair, adapter=slow), running(WiredNode(pair)):
        await until(lambda: gateway.timeline.node_clock(UID, BOOT)[0] == "resolved")
        assert gateway.count("time_replies_too_fast") == 1


async def test_one_frame_goes_down_at_a_time(gateway, pair):
    """The receive ring of an ESP32 holds 260 octets, and a node that is busy answers nothing."""
    async with gateway.line(pair):
        pair.send(stuff(cbor.encode([0, HELLO]), ESCAPES_UP))
        reader = FrameReader(FRAME_LIMIT_DOWN)
        loop = asyncio.get_running_loop()
        times = []
        while len(times) < 3:
            for octets in pair.received_now():
                times += [loop.time() for _ in reader.feed(octets)]
            await asyncio.sleep(0.001)
        assert times[2] - times[1] > DOWN_SPACING_S / 2


async def test_the_capture_holds_every_octet_of_both_directions(gateway, pair, tmp_path):
    async with gateway.line(pair), running(WiredNode(pair)) as node:
        node.add(2)
        await until(lambda: not node.queue.records)
    [up_file] = (tmp_path / "capture").glob("*.up")
    [down_file] = (tmp_path / "capture").glob("*.down")
    kinds = {type(up.decode(frame)) for frame in FrameReader(FRAME_LIMIT_UP).feed(up_file.read_bytes())}
    assert {up.Hello, up.Describe, up.Block} <= kinds
    kinds = {type(down.decode(frame)) for frame in FrameReader(FRAME_LIMIT_DOWN).feed(down_file.read_bytes())}
    assert {down.Welcome, down.Ack} <= kinds


async def test_a_line_ends_with_its_port_and_leaves_the_node_free(gateway, pair, tmp_path):
    async with running(WiredNode(pair)) as node:
        async with gateway.line(pair) as line:
            await until(lambda: node.session.state == UP)
            assert line.node is not None
        assert line.node is None
        assert gateway.nodes.meet(UID).line is None
        node.session.receive(down.Who(), 0, 0)
        assert node.session.state == SEEKING


async def test_unplugging_ends_the_line_with_port_lost(gateway, pair):
    services = Services(
        name="gw",
        nodes=gateway.nodes,
        store=gateway.store,
        descriptors=Descriptors(gateway.store),
        timeline=gateway.timeline,
        clock=gateway.clock,
        counters=gateway.counters,
        conditions=gateway.conditions,
    )
    port = SerialPort.open(pair.path, 115200)
    serving = asyncio.create_task(Line(port, services, 4096).serve())
    await asyncio.sleep(0)
    pair.unplug()
    with pytest.raises(ExceptionGroup) as caught:
        await serving
    port.close()
    assert caught.group_contains(PortLost)
