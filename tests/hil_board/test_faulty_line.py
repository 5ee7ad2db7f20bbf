"""The seeded line between a board and whoever reads it."""

import os
import pty
import select
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil_tests.faulty_line import FaultyLine
from hil_tests.line_damage import SEGMENT_LIMIT, Damage, Faults
from tests.hil_board.conftest import NewBoard
from tests.hil_board.terminal import Terminal, wait_for
from wire.framing import ESCAPES_UP, FRAME_LIMIT_UP, FrameReader, stuff

MESSAGES = [bytes((0x80 + n % 64, n % 256, n // 256)) * (1 + n % 30) for n in range(400)]
STREAM = b"".join(stuff(message, ESCAPES_UP) for message in MESSAGES)


def carried(seed: str, faults: Faults, octets: bytes, pieces: int = 7) -> tuple[bytes, Damage]:
    damage = Damage(seed, faults)
    out = b"".join(damage.feed(octets[at : at + pieces]) for at in range(0, len(octets), pieces))
    return out + damage.flush(), damage


def survivors(octets: bytes) -> list[bytes]:
    return list(FrameReader(FRAME_LIMIT_UP).feed(octets))


def test_a_line_without_faults_changes_nothing() -> None:
    out, damage = carried("s", Faults(), b"ets Jul 29\r\n" + STREAM + b">>> ")
    assert out == b"ets Jul 29\r\n" + STREAM + b">>> "
    assert (damage.count.frames, damage.count.damaged_frames) == (400, 0)


def test_every_damaged_frame_is_counted_and_no_other_is_touched() -> None:
    out, damage = carried("s", Faults(frames=0.2), STREAM)
    kept = survivors(out)
    assert len(kept) == 400 - damage.count.damaged_frames
    assert [message for message in MESSAGES if message in kept] == kept
    assert 50 < damage.count.damaged_frames < 110
    count = damage.count
    assert count.flipped + count.lost + count.doubled == count.damaged_frames
    assert min(count.flipped, count.lost, count.doubled) > 5


@pytest.mark.parametrize("pieces", [1, 13, len(STREAM)])
def test_the_seed_alone_decides(pieces: int) -> None:
    faults = Faults(frames=0.1, flipped=0.002, lost=0.001, doubled=0.001)
    assert carried("s", faults, STREAM, pieces)[0] == carried("s", faults, STREAM)[0]
    assert carried("t", faults, STREAM, pieces)[0] != carried("s", faults, STREAM)[0]


def test_a_higher_share_damages_the_same_frames_and_more() -> None:
    few = set(survivors(carried("s", Faults(frames=0.1), STREAM)[0]))
    many = set(survivors(carried("s", Faults(frames=0.3), STREAM)[0]))
    assert many < few


def test_all_frames_can_be_damaged() -> None:
    assert survivors(carried("s", Faults(frames=1.0), STREAM)[0]) == []


def test_text_between_frames_is_left_alone_by_frame_damage() -> None:
    text = b"ets Jul 29 2019\r\n"
    out, _ = carried("s", Faults(frames=1.0), text + b"\x7e" + text + STREAM + text)
    assert out.startswith(text + b"\x7e" + text)
    assert out.endswith(text)


def test_octet_faults_are_counted_one_by_one() -> None:
    octets = bytes(range(32, 120)) * 300
    out, damage = carried("s", Faults(flipped=0.01, lost=0.02, doubled=0.005), octets)
    count = damage.count
    assert len(out) == len(octets) - count.lost + count.doubled
    for counted, share in ((count.flipped, 0.01), (count.lost, 0.02), (count.doubled, 0.005)):
        assert counted / len(octets) == pytest.approx(share, rel=0.3)


@given(st.binary(max_size=3 * SEGMENT_LIMIT))
def test_nothing_is_held_beyond_its_limit(octets: bytes) -> None:
    damage = Damage("s", Faults())
    out = damage.feed(octets)
    assert len(octets) - len(out) <= SEGMENT_LIMIT
    assert out + damage.flush() == octets


@pytest.fixture
def upstream() -> Iterator[tuple[int, str]]:
    """A cable's far end, and the name of its near one."""
    far, near = pty.openpty()
    tty.setraw(near)
    yield far, os.ttyname(near)
    for fd in (far, near):
        os.close(fd)


def test_octets_pass_in_both_directions(upstream: tuple[int, str]) -> None:
    far, name = upstream
    with FaultyLine(name) as line, Terminal(line.port) as near:
        os.write(far, bytes(range(256)))
        near.read_until(bytes(range(256)))
        near.write(b"\x03\x7e\x80\x81\x7e")
        assert os.read(far, 100) == b"\x03\x7e\x80\x81\x7e"
        assert line.down.frames == 1


def test_a_segment_without_an_end_is_not_held_for_ever(upstream: tuple[int, str]) -> None:
    far, name = upstream
    with FaultyLine(name) as line, Terminal(line.port) as near:
        os.write(far, b">>> ")
        near.read_until(b">>> ")
        os.write(far, b"\x7e\xff\xfe")
        near.read_until(b"\x7e\xff\xfe")


def test_delay_holds_back_and_keeps_the_order(upstream: tuple[int, str]) -> None:
    far, name = upstream
    with FaultyLine(name, up=Faults(delay_s=0.2)) as line, Terminal(line.port) as near:
        began = time.monotonic()
        for n in range(5):
            os.write(far, b"\x7e\x80%d\x7e" % n)
        near.read_until(b"".join(b"\x7e\x80%d\x7e" % n for n in range(5)))
        assert time.monotonic() - began >= 0.2


def test_a_cut_hangs_up_and_the_link_leads_to_the_new_port(upstream: tuple[int, str], tmp_path: Path) -> None:
    far, name = upstream
    link = tmp_path / "ttyUSB0"
    with FaultyLine(name, link=link) as line:
        with Terminal(str(link)) as near:
            line.cut()
            assert near.is_hung_up()
            assert not link.is_symlink()
            os.write(far, b"into the void")
            line.restore(link=tmp_path / "ttyUSB1")
        assert not link.exists()
        with Terminal(str(tmp_path / "ttyUSB1")) as near:
            os.write(far, b"\x7ehere\x7e")
            near.read_until(b"\x7ehere\x7e")
    assert not list(tmp_path.iterdir())


def test_a_silent_line_loses_octets_and_says_nothing(upstream: tuple[int, str]) -> None:
    far, name = upstream
    with FaultyLine(name) as line, Terminal(line.port) as near:
        line.silence()
        os.write(far, b"\x7elost\x7e")
        wait_for(lambda: line.up.octets == 6)
        line.restore()
        os.write(far, b"\x7efound\x7e")
        assert near.read_until(b"found\x7e") == b"\x7efound\x7e"


def test_faults_may_begin_and_end_at_any_time(upstream: tuple[int, str]) -> None:
    far, name = upstream
    with FaultyLine(name, seed=1) as line, Terminal(line.port) as near:
        for share, through in ((1.0, False), (0.0, True)):
            line.set_faults(up=Faults(frames=share))
            os.write(far, stuff(b"\x81\x01", ESCAPES_UP))
            wait_for(lambda: bool(select.select([near.fd], [], [], 0)[0]))
            assert (survivors(near.read_for(0.2)) == [b"\x81\x01"]) is through
        assert (line.up.frames, line.up.damaged_frames) == (2, 1)


def test_a_board_that_is_unplugged_hangs_up_the_whole_line(new_board: NewBoard) -> None:
    board = new_board("import time\nwhile True:\n    print('alive')\n    time.sleep_ms(20)")
    with FaultyLine(board.port) as line:
        with Terminal(line.port) as near:
            near.read_until(b"alive\r\n")
            board.unplug()
            assert near.is_hung_up()
        board.plug()
        line.restore(upstream_port=board.port)
        with Terminal(line.port) as near:
            near.read_until(b"alive\r\n")
