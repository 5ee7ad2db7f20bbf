"""A file comes into a node in pieces."""

import hashlib
import json

import pytest

from hil_tests.board import Board
from provisioning.application import build
from tests.firmware.cable import Cable
from wire import remote

SETTINGS = {
    "node": {"name": "south pier"},
    "sensors": [{"driver": "bme280", "cal": {f"n{n}": [n] * 60 for n in range(25)}}, {"driver": "hx711"}],
    "groups": [{"name": "all", "sensors": [0, 1], "period_ms": 500}],
}
OCTETS = json.dumps(SETTINGS).encode()
PIECE = 150


class Line:
    """The gateway's end, with ids that rise."""

    def __init__(self, board):
        self.cable = Cable(board.port)
        self.cable.meet()
        self._id = 0

    def ask(self, operation, **arguments):
        return self._answer(lambda id_: remote.Command(id_, operation, arguments))

    def chunk(self, offset, octets):
        return self._answer(lambda id_: remote.Chunk(id_, offset, octets))

    def put(self, octets, what="settings", digest=None):
        return self.ask("put", what=what, size=len(octets), sha256=digest or hashlib.sha256(octets).digest())

    def send(self, octets, at=0, until=None):
        """Chunk after chunk; the last answer."""
        while True:
            status, value = self.chunk(at, octets[at : at + PIECE])
            if status != "more" or (until and value >= until):
                return status, value
            at = value

    def _answer(self, order):
        self._id += 1
        self.cable.send(order(self._id))
        while True:
            result = self.cable.wait_for(remote.Result)
            if result.id == self._id:
                return result.status, result.value


@pytest.fixture
def board(tmp_path):
    board = Board(tmp_path / "board")
    board.install(dict(build().files))
    with board:
        yield board


@pytest.fixture
def line(board):
    line = Line(board)
    yield line
    line.cable.close()


def stored(board, octets):
    name = f"/put-settings-{hashlib.sha256(octets).hexdigest()[:16]}"
    return board.read_file(name)


@pytest.mark.timeout(30)
def test_it_lies_on_flash_octet_by_octet_and_is_right(board, line):
    assert len(OCTETS) > 4096
    assert line.put(OCTETS) == ("ok", 0)
    assert line.send(OCTETS) == ("ok", len(OCTETS))
    board.kill()
    assert stored(board, OCTETS) == OCTETS


@pytest.mark.timeout(30)
def test_after_a_power_cut_it_goes_on_from_what_is_on_flash(board, line):
    assert line.put(OCTETS) == ("ok", 0)
    assert line.send(OCTETS, until=5000)[0] == "more"
    board.power_cut()
    again = Line(board)
    status, at = again.put(OCTETS)
    assert status == "ok"
    assert 4096 <= at < 5000
    assert again.send(OCTETS, at) == ("ok", len(OCTETS))
    assert again.put(OCTETS) == ("ok", len(OCTETS))
    again.cable.close()


@pytest.mark.timeout(30)
def test_a_chunk_that_is_not_the_next_changes_nothing(line):
    assert line.chunk(0, OCTETS[:PIECE]) == ("unknown", None)
    assert line.put(OCTETS) == ("ok", 0)
    assert line.chunk(0, OCTETS[:PIECE]) == ("more", PIECE)
    assert line.chunk(0, OCTETS[:PIECE]) == ("more", PIECE)
    assert line.chunk(2 * PIECE, OCTETS[:PIECE]) == ("more", PIECE)
    assert line.send(OCTETS, PIECE) == ("ok", len(OCTETS))


@pytest.mark.timeout(30)
def test_what_is_not_what_was_announced_is_refused_and_begins_anew(line):
    other = b"[" + OCTETS[1:]
    assert line.put(other, digest=hashlib.sha256(OCTETS).digest()) == ("ok", 0)
    status, words = line.send(other)
    assert (status, "SHA-256" in words) == ("refused", True)
    assert line.put(OCTETS[: 2 * PIECE]) == ("ok", 0)
    assert line.chunk(0, OCTETS[:PIECE]) == ("more", PIECE)
    assert line.chunk(PIECE, OCTETS[: PIECE + 1]) == ("refused", "301 octets, 300 were announced")
    assert line.chunk(PIECE, OCTETS[:PIECE]) == ("unknown", None)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b'{"sensors": [{"driver": "hx711", "gain": 127}]}', "sensors[0].gain: not one of 128, 64, 32"),
        (b'{"sensors"', "the settings: "),
        (b'{"queue": 1}', "queue: unknown key"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_before_anything_changes(line, octets, words):
    assert line.put(octets) == ("ok", 0)
    status, said = line.send(octets)
    assert status == "refused"
    assert words in said


@pytest.mark.timeout(30)
def test_what_a_node_has_no_use_or_no_room_for_is_refused_at_once(line):
    assert line.put(OCTETS, what="music") == ("refused", "nothing called music can be put")
    assert line.put(bytes(8193)) == ("refused", "8193 octets, limit 8192")
    assert line.ask("put", what="settings", size=5, sha256=b"short")[0] == "refused"
    assert line.put(OCTETS) == ("ok", 0)
