"""mpremote gets in while frames flow both ways as fast as the cable carries them."""

import json
import queue
import subprocess
import sys
import threading
import time

import pytest

from hil_tests.board import Board
from provisioning.application import build
from wire import down, remote, up
from wire.cbor import Encoder
from wire.framing import ESCAPES_DOWN, FRAME_LIMIT_DOWN, FRAME_LIMIT_UP, FrameReader, stuff

pytestmark = pytest.mark.timeout(60)

BAUD = 115200
OCTETS_PER_S = BAUD // 10
FASTEST = {
    "groups": [
        {"name": "air", "sensors": [0], "period_ms": 20, "scans": 1},
        {"name": "load", "sensors": [1], "period_ms": 10, "scans": 1},
    ]
}
WINDOW = 4096
CHUNK = bytes(range(64, 240))  # with its head nearly as long as a frame may be
STEP_S = 0.002
AGAIN_S = 1.0  # a frame may be lost
MPREMOTE_S = 25.0
ROUNDS = 2


class FullRate(threading.Thread):
    """The gateway's end: acknowledges, and has the next chunk there as soon as one is answered.

    It says no more from the Ctrl-C of somebody else on: then it has lost its port.
    """

    def __init__(self, board):
        super().__init__(daemon=True)
        self.silent = threading.Event()
        self.answered = 0  # chunks, since the last HELLO
        self._due_s = time.monotonic() + AGAIN_S  # the next chunk
        self._board = board
        self._came = queue.SimpleQueue()
        self._encoder = Encoder(FRAME_LIMIT_DOWN)
        self._ended = threading.Event()
        board.on_octets(self._hear)

    def end(self):
        self._ended.set()
        self.join()
        self._board.on_octets(None)

    def run(self):
        reader = FrameReader(FRAME_LIMIT_UP)
        free_s = 0.0  # when the cable has carried what was said
        while not self._ended.wait(STEP_S):
            said = b""
            while not self._came.empty():
                for frame in reader.feed(self._came.get()):
                    said += self._answer(up.decode(frame))
            reader.take_text()
            now_s = time.monotonic()
            if now_s >= max(free_s, self._due_s):
                self._due_s = now_s + AGAIN_S
                said += self._stuffed(remote.Chunk(self.answered, 0, CHUNK))
            if not self.silent.is_set():
                self._board.type(said)
            free_s = max(free_s, now_s) + len(said) / OCTETS_PER_S

    def _answer(self, message):
        if isinstance(message, up.Hello):
            self.answered, self._due_s = 0, time.monotonic() + AGAIN_S
            points = [[boot, stream, first] for boot, stream, first, _ in message.queued]
            return self._stuffed(down.Welcome("gw", points, WINDOW, need_desc=False, nonce=bytes(8)))
        if isinstance(message, remote.Result):
            self.answered += 1
            self._due_s = 0.0
        if isinstance(message, up.Block | up.Gap):
            return self._stuffed(down.Ack(message.boot, message.stream, message.next_seq, WINDOW))
        return b""

    def _stuffed(self, message):
        return stuff(message.encode(self._encoder), ESCAPES_DOWN)

    def _hear(self, way, octets, _at_ns):
        if way == "up":
            self._came.put(octets)
        elif b"\x03" in octets:  # no frame has one
            self.silent.set()


@pytest.fixture
def board(tmp_path):
    board = Board(tmp_path / "board", console_baud=BAUD)
    board.install({**build().files, "/settings.json": json.dumps(FASTEST).encode()})
    with board:
        yield board


@pytest.fixture
def gateway(board):
    gateway = FullRate(board)
    gateway.start()
    yield gateway
    gateway.end()


def wait_for(fact, seconds=10.0):
    until_s = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def rates(board, seconds=0.5):
    """Octets a second: up, down."""
    before, begun_s = board.counters, time.monotonic()
    time.sleep(seconds)
    after, took_s = board.counters, time.monotonic() - begun_s
    return (after.octets_up - before.octets_up) / took_s, (after.octets_down - before.octets_down) / took_s


def test_mpremote_breaks_in_every_time(board, gateway):
    for round_ in range(ROUNDS):
        wait_for(lambda: gateway.answered >= 30)
        up_rate, down_rate = rates(board)
        assert (up_rate > 1000, down_rate > OCTETS_PER_S / 2) == (True, True), (up_rate, down_rate)
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", board.port, "exec", "print(6 * 7)", "reset"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=MPREMOTE_S,
            check=False,
        )
        assert (done.returncode, done.stdout.strip()) == (0, b"42"), (round_, done)
        wait_for(
            lambda resets=round_ + 1: board.counters.boots["hard"] == resets
        )  # mpremote ends 100 ms before
        gateway.answered = 0
        gateway.silent.clear()
    assert board.counters.killed_by_interrupt == 0
