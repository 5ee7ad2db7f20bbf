"""A node that failed too often, at a real gateway."""

from __future__ import annotations

from binascii import crc32

import pytest

from hil_tests.bench import Bench, NodeBoard, eventually
from hil_tests.board.flash import NoSuchFile
from hil_tests.demo.publication import Block

pytestmark = [pytest.mark.hil, pytest.mark.timeout(90)]

_COUNT = b"fg\x09\x00"  # nine starts in a row
FAILED = _COUNT + crc32(_COUNT).to_bytes(4, "big")
CRASH = b"crash in boot 8 after 12 s\nTraceback (most recent call last):\nValueError: a number too many\n"


def is_told(node: NodeBoard) -> bool:
    """Whether the node knows that its gateway knows."""
    try:
        node.board.read_file("/crash.txt")
    except NoSuchFile:
        return True
    return False


def test_safe_mode_links_and_says_why_and_the_crash_is_counted_once(bench: Bench) -> None:
    node = bench.node(plugged=False)
    node.board.kill()
    node.board.install({"/failed": FAILED, "/crash.txt": CRASH})
    node.board.start()
    bench.plug(node, "tty1")
    bench.start_gateway()
    eventually(lambda: "safe mode, no sensors" in bench.gateway.log(), 20)
    assert "ended before: crash in boot 8 after 12 s: ValueError: a number too many" in bench.gateway.log()
    eventually(lambda: is_told(node), 20)
    bench.gateway.stop()
    bench.start_gateway()  # the node says HELLO again
    status = bench.gateway.wait_for(lambda status: any(each.uid == node.uid for each in status.nodes))
    assert bench.gateway.log().count("ended before:") == 1
    assert {each.group for each in bench.heard() if isinstance(each, Block)} == {"health"}
    assert status.counters.get("frames_bad_field", 0) == 0
