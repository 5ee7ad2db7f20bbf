from binascii import crc32

import cbor2
from hypothesis import given
from hypothesis import strategies as st

from hil_tests.demo.identity import Stream
from hil_tests.demo.witness import TEXT_OCTETS, FrameFinder, LineWitness
from wire import down, up
from wire.cbor import Encoder
from wire.framing import ESCAPES_DOWN, ESCAPES_UP, stuff

NODE = "aabbccddeeff"
READINGS = Stream(NODE, 65_543, 1)
DESCRIPTOR = {
    "channels": [],
    "groups": [{"name": "air", "channels": [0, 1, 2]}, {"name": "health", "channels": [3, 4]}],
    "node": {},
}


def from_node(*messages):
    return b"".join(stuff(message.encode(Encoder(1024)), ESCAPES_UP) for message in messages)


def to_node(*messages):
    return b"".join(stuff(message.encode(Encoder(1024)), ESCAPES_DOWN) for message in messages)


def read_line(up_octets, down_octets):
    witness = LineWitness(NODE)
    witness.up(up_octets)
    witness.down(down_octets)
    return witness


def block(seq, values, exceptions=None):
    return up.Block(65_543, 1, seq, 0, 1_000_000, 9_000_000, values, exceptions or {})


def test_the_highest_ack_says_what_is_acknowledged():
    line = read_line(b"", to_node(down.Ack(65_543, 1, 2, 8192), down.Who(), down.Ack(65_543, 1, 4, 8192)))
    assert line.acknowledged() == {READINGS.record(seq) for seq in range(4)}


def test_an_ack_whose_check_sum_is_wrong_is_none():
    octets = bytearray(to_node(down.Ack(65_543, 1, 2, 8192)))
    octets[-2] ^= 1
    assert read_line(b"", bytes(octets)).acknowledged() == set()


def test_an_ack_cut_off_by_the_end_is_none():
    assert read_line(b"", to_node(down.Ack(65_543, 1, 2, 8192))[:-3]).acknowledged() == set()


def test_scans_are_counted_by_the_groups_width():
    octets = from_node(up.Describe(DESCRIPTOR), block(0, [1] * 30), block(1, [1] * 6))
    line = read_line(octets, to_node(down.Ack(65_543, 1, 2, 8192)))
    assert line.acknowledged_scans() == 12


def test_what_a_node_tells_of_itself_is_no_scan_of_a_chip():
    octets = from_node(up.Describe(DESCRIPTOR), up.Block(65_543, 1, 0, 1, 0, 0, [20_000, 4_096], {}))
    assert read_line(octets, to_node(down.Ack(65_543, 1, 1, 8192))).acknowledged_scans() == 0


def test_scans_of_blocks_without_ack_are_not_counted():
    octets = from_node(up.Describe(DESCRIPTOR), block(0, [1] * 30), block(1, [1] * 30))
    assert read_line(octets, to_node(down.Ack(65_543, 1, 1, 8192))).acknowledged_scans() == 10


def test_a_slot_that_was_missed_is_no_scan_and_a_faulty_one_is():
    values = [1, 2, 3, None, None, None, None, None, None]
    octets = from_node(up.Describe(DESCRIPTOR), block(0, values, {3: 12, 4: 12, 5: 12, 6: 1, 7: 1, 8: 1}))
    assert read_line(octets, to_node(down.Ack(65_543, 1, 1, 8192))).acknowledged_scans() == 2


def test_a_block_that_was_sent_again_counts_once():
    octets = from_node(up.Describe(DESCRIPTOR), block(0, [1] * 30), block(0, [1] * 30))
    assert read_line(octets, to_node(down.Ack(65_543, 1, 1, 8192))).acknowledged_scans() == 10


def test_console_text_between_frames_is_passed_over():
    octets = (
        b"ets Jul 29 2019\r\n"
        + from_node(up.Describe(DESCRIPTOR))
        + b"Traceback\r\n"
        + from_node(block(0, [7] * 3))
    )
    assert read_line(octets, to_node(down.Ack(65_543, 1, 1, 8192))).acknowledged_scans() == 1


def test_every_gateway_that_welcomed_the_node_is_known():
    octets = to_node(
        *(down.Welcome(name, [], 8192, False, bytes(8)) for name in ("demo-1", "other", "demo-1"))
    )
    assert read_line(b"", octets).gateways == {"demo-1", "other"}


def test_the_last_line_that_the_node_printed_is_known():
    octets = b"ets Jul 29 2019\r\n" + from_node(block(0, [7] * 3)) + b"Traceback:\r\nOSError: 19\r\n"
    assert read_line(octets, b"").last_words() == "OSError: 19"
    assert read_line(from_node(block(0, [7] * 3)), b"").last_words() == ""
    assert read_line(b"x" * TEXT_OCTETS * 3 + b"\r\n\r\n", b"").last_words() == "x" * (TEXT_OCTETS - 4)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_octets_are_read_without_an_error(up_octets, down_octets):
    assert read_line(up_octets, down_octets).acknowledged() == set()


@given(st.binary(min_size=1, max_size=200))
def test_frames_agree_with_the_other_implementation(message):
    assert list(FrameFinder().feed(stuff(message, ESCAPES_UP))) == [message]
    assert list(FrameFinder().feed(stuff(message, ESCAPES_DOWN))) == [message]


@given(
    st.recursive(
        st.integers(0, 300) | st.text(max_size=5) | st.none(), lambda leaf: st.lists(leaf, max_size=5)
    )
)
def test_a_whole_frame_that_is_no_message_is_passed_over(value):
    content = cbor2.dumps(value)
    octets = content + crc32(content).to_bytes(4, "little")
    framed = stuff(octets[:-4], ESCAPES_DOWN)
    assert read_line(framed, framed).acknowledged_scans() == 0
