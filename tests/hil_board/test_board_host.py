"""Many boards in one thread, and what happens when something in that thread fails."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hil_tests.board import Board, BoardHostFailed
from hil_tests.board.board import UID_OCTETS
from tests.hil_board.conftest import NewBoard
from tests.hil_board.terminal import Terminal, raw_repl, wait_for

MAIN = (
    "import machine, time\nuid = machine.unique_id()\nn = 0\n"
    "while True:\n    n += 1\n    print(uid[5], n)\n    time.sleep_ms(50)\n"
)


@pytest.mark.timeout(60)
def test_fifty_boards_run_at_once(tmp_path: Path, new_board: NewBoard) -> None:
    said: dict[int, bytes] = {}

    def board(n: int) -> Board:
        made = new_board(MAIN, uid=bytes((0, 0, 0, 0, 0, n)))
        made.on_octets(lambda _way, octets, _ns: said.__setitem__(n, said.get(n, b"") + octets))
        return made

    boards = [board(n) for n in range(50)]
    for n in range(50):
        wait_for(lambda n=n: b"\r\n%d 20\r\n" % n in said.get(n, b""))
    assert len({board.port for board in boards}) == 50
    assert len({board.pid for board in boards}) == 50


def test_boards_may_be_used_from_any_thread(new_board: NewBoard) -> None:
    board = new_board()
    ports: list[str] = []
    threads = [threading.Thread(target=lambda: ports.append(board.port)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(ports) == {board.port}


async def test_boards_may_be_used_beside_an_event_loop(new_board: NewBoard) -> None:
    board = new_board("print('hello')")
    said = asyncio.get_running_loop().create_future()
    loop = asyncio.get_running_loop()

    def capture(direction: str, octets: bytes, _: int) -> None:
        if b">>> " in octets and not said.done():
            loop.call_soon_threadsafe(said.set_result, direction)

    board.on_octets(capture)
    board.reset()
    assert await asyncio.wait_for(said, 5) == "up"


def test_a_chip_that_fails_is_reported_to_whoever_uses_the_board(tmp_path: Path) -> None:
    class Broken:
        address = 0x10

        def write(self, data: bytes) -> None:
            raise ZeroDivisionError(data.hex())

        def read(self, n: int) -> bytes:
            return bytes(n)

    board = Board(tmp_path / "b", chips=[Broken()])
    board.install({"/main.py": b"from machine import *\nI2C(0, scl=Pin(22), sda=Pin(21)).scan()\n"})
    board.start()
    with pytest.raises(BoardHostFailed, match="ZeroDivisionError") as failure:
        wait_for(lambda: board.counters.octets_up < 0)
    board.close()
    assert isinstance(failure.value.__cause__, ZeroDivisionError)


def test_the_thread_ends_with_the_last_board(new_board: NewBoard, tmp_path: Path) -> None:
    first, second = new_board(), new_board()
    first.close()
    assert any(thread.name == "boards" for thread in threading.enumerate())
    second.close()
    second.close()
    assert not any(thread.name == "boards" for thread in threading.enumerate())


def test_a_board_may_be_stopped_and_started_again(new_board: NewBoard) -> None:
    board = new_board("print('up')")
    for boots in (2, 3):
        board.stop()
        board.start()
        with Terminal(board.port) as terminal:
            terminal.read_until(b"up\r\n")
        assert board.counters.boots == {"power_on": boots}


def test_no_process_outlives_its_board(new_board: NewBoard) -> None:
    board = new_board("while True: pass")
    board.wait_listening()
    pid = board.pid
    board.close()
    assert not Path(f"/proc/{pid}").exists()


def test_a_board_that_never_started_can_be_closed(tmp_path: Path) -> None:
    board = Board(tmp_path / "b")
    board.close()
    with pytest.raises(ValueError, match=f"not {UID_OCTETS}"):
        Board(tmp_path / "c", uid=b"123")


def test_waiting_for_a_board_without_power_ends(new_board: NewBoard) -> None:
    board = new_board()
    board.kill()
    with pytest.raises(TimeoutError):
        board.wait_listening(0.05)
    board.start()
    with raw_repl(board) as repl:
        assert repl.execute("print(1)") == "1\n"


def test_a_killed_host_takes_its_boards_with_it(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom hil_tests.board import Board\n"
        f"board = Board(Path({str(tmp_path)!r}))\nboard.start()\nboard.wait_listening()\n"
        "print(board.pid, flush=True)\nsys.stdin.read()\n"
    )
    host = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert host.stdout
    assert host.stdin
    pid = int(host.stdout.readline())
    host.kill()
    host.wait()
    wait_for(lambda: not Path(f"/proc/{pid}").exists() or is_zombie(pid))
    host.stdin.close()
    host.stdout.close()


def is_zombie(pid: int) -> bool:
    """Whether it is dead and only nobody has asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except OSError:
        return True
