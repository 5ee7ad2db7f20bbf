"""gateway/line.py and whatever comes out of a port: counted, logged once, nothing else."""

import logging

import pytest

from gateway.capture import file_name
from gateway.link_state import LinkState
from gateway.store import StoreError
from tests.gateway.echoing_line import until
from tests.gateway.line_fixtures import gateway, pair, running
from tests.gateway.wired_node import DESCRIPTOR_NAME, WiredNode
from tests.wire.chain import BOOT, UID
from wire import cbor, up
from wire.framing import ESCAPES_UP, stuff

__all__ = ["gateway", "pair"]

HOSTILE = {
    "frame_bad_fcs": b"\x7e" + b"\x83\x05\x05" * 9 + b"\x7e",
    "frame_too_short": b"\x7e\x81\x0c\x7e",
    "frame_bad_escape": b"\x7e\x83\x7d\x7d\x05\x7e",
    "frame_too_long": b"\x7e" + b"\x90" * 3000 + b"\x7e",
    "message_depth": stuff(b"\x81" * 100 + b"\x00", ESCAPES_UP),
    "message_count": stuff(b"\x88\x03" + b"\x00" * 6 + b"\x9a\xff\xff\xff\xff", ESCAPES_UP),
    "message_unknown_type": stuff(b"\x81\x18\x63", ESCAPES_UP),
    "message_wrong_direction": stuff(b"\x82\x06\x01", ESCAPES_UP),
    "message_not_a_message": stuff(b"\xa0", ESCAPES_UP),
    "message_truncated": stuff(b"\x82\x19\x01", ESCAPES_UP),
    "message_trailing": stuff(b"\x81\x0c\x00", ESCAPES_UP),
    "message_tag": stuff(b"\xd1\x84\x00\x00\x00\x00", ESCAPES_UP),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_octets_are_counted_logged_once_and_change_nothing_else(gateway, pair, name, caplog):
    caplog.set_level(logging.WARNING)
    async with gateway.line(pair) as line, running(WiredNode(pair)) as node:
        node.add(1)
        await until(lambda: not node.queue.records)
        for _ in range(3):
            pair.send(HOSTILE[name])
        await until(lambda: gateway.count(name) == 3)
        node.add(1)
        await until(lambda: not node.queue.records)
        assert line.state() is LinkState.OPEN
    assert gateway.seqs() == [0, 1]
    said = [record.getMessage() for record in caplog.records if name in record.getMessage()]
    assert len(said) == 1
    assert len(said[0]) < 400


async def test_noise_of_all_kinds_is_one_fault_that_ends_with_it(gateway, pair, caplog, monkeypatch):
    monkeypatch.setattr("gateway.refusals.CALM_NS", 300_000_000)
    caplog.set_level(logging.INFO)
    async with gateway.line(pair) as line:
        for octets in HOSTILE.values():
            pair.send(octets)
        await until(lambda: all(gateway.count(name) == 1 for name in HOSTILE))
        [fault] = gateway.conditions.faults()
        assert (fault.subject, fault.state) == (f"line {line.path}", next(iter(HOSTILE)))
        await until(lambda: not gateway.conditions.faults())
        said = [record.levelname for record in caplog.records if record.getMessage().startswith("line ")]
        assert said == ["WARNING", "INFO"]


HELLO = up.Hello(UID, BOOT, 0, "t", DESCRIPTOR_NAME, "x", [], 240, b"nonce678").items()[1]


@pytest.mark.parametrize("field", sorted(HELLO))
async def test_a_hello_with_a_wrong_type_in_any_field_is_refused(gateway, pair, field):
    wrong = 5 if isinstance(HELLO[field], str | bytes | list) else "text"
    async with gateway.line(pair) as line:
        pair.send(stuff(cbor.encode([0, {**HELLO, field: wrong}]), ESCAPES_UP))
        await until(lambda: gateway.count("message_bad_field") == 1)
        assert line.node is None
        assert line.state() is LinkState.STRANGER


async def test_a_port_that_is_not_a_node_stays_a_stranger(gateway, pair):
    async with gateway.line(pair) as line:
        assert line.state() is LinkState.WAITING
        for _ in range(20):
            pair.send(b"$GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8,1.03,61.7,M\r\n\xff\xfe\x00")
        await until(lambda: gateway.count("console_lines") >= 20)
        assert line.state() is LinkState.STRANGER
    assert gateway.seqs() == []


async def test_the_texts_of_a_node_move_no_cursor_and_begin_no_line(gateway, pair, caplog):
    caplog.set_level(logging.INFO)
    evil = "\x1b[2J\nCRITICAL gateway: all is lost"
    async with gateway.line(pair) as line:
        pair.send(stuff(cbor.encode([0, {**HELLO, "reset": evil}]), ESCAPES_UP))
        await until(lambda: line.state() is LinkState.DESCRIBING)
        pair.send(stuff(cbor.encode([11, 0, evil, evil]), ESCAPES_UP))
        await until(lambda: gateway.count("node_log_lines") == 1)
    said = [record.getMessage() for record in caplog.records] + list(gateway.nodes.meet(UID).console)
    assert sum("all is lost" in each for each in said) == 3
    assert not any("\x1b" in each or "\n" in each for each in said)


async def test_a_hello_that_the_store_cannot_answer_is_repeated_by_the_node(gateway, pair, monkeypatch):
    def unreadable(*_):
        raise StoreError("io", "reading: disk I/O error")

    async with gateway.line(pair) as line:
        with monkeypatch.context() as patched:
            patched.setattr("gateway.store.Store.has_descriptor", unreadable)
            async with running(WiredNode(pair)) as node:
                node.add(2)
                await until(lambda: gateway.count("frames_store_unreadable") >= 1)
                assert line.state() is LinkState.STRANGER
                patched.undo()
                await until(lambda: not node.queue.records)
    assert gateway.seqs() == [0, 1]


async def test_no_record_is_taken_while_the_store_has_no_room_for_its_descriptor(gateway, pair, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("gateway.store.Store.put_descriptor", lambda *_: False)
        async with gateway.line(pair) as line, running(WiredNode(pair)) as node:
            node.add(2)
            await until(lambda: gateway.count("store_queue_full") >= 1)
            assert line.state() is LinkState.DESCRIBING
            patched.undo()
            await until(lambda: not node.queue.records)
    assert gateway.seqs() == [0, 1]
    assert gateway.store.descriptor(DESCRIPTOR_NAME) is not None


async def test_a_capture_that_the_disk_does_not_take_ends_alone(gateway, pair, tmp_path, caplog):
    for name in ("up", "down"):
        (tmp_path / "capture" / f"{file_name(pair.path)}.{name}").mkdir()
    async with gateway.line(pair), running(WiredNode(pair)) as node:
        node.add(2)
        await until(lambda: not node.queue.records)
    assert gateway.seqs() == [0, 1]
    assert sum("capture: ended" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize(
    ("port", "name"),
    [("/dev/ttyUSB0", "ttyUSB0"), ("/dev/pts/3", "pts_3"), ("/tmp/demo/ports/node-1", "node-1")],
)
def test_a_capture_is_named_after_its_port(port, name):
    assert file_name(port) == name
