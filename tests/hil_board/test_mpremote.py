"""The real mpremote, unmodified, on the emulated board."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from hil_tests.board import Board
from tests.hil_board.conftest import NewBoard
from tests.hil_board.terminal import Terminal, wait_for

pytestmark = pytest.mark.timeout(60)

MPREMOTE_S = 25.0  # on /dev/pts none of its own timeouts works
BUSY = (
    "import asyncio, sys\n"
    "async def up():\n    while True:\n"
    "        sys.stdout.buffer.write(b'\\x7e\\x80\\x01\\x02\\xff\\x7e' * 20)\n"
    "        await asyncio.sleep_ms(2)\n"
    "async def down():\n    r = asyncio.StreamReader(sys.stdin.buffer)\n    while True: await r.read(1)\n"
    "asyncio.run(asyncio.gather(up(), down()))\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    code: int
    out: str
    err: str


def mpremote(board: Board, *arguments: str) -> Done:
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", board.port, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=MPREMOTE_S,
        check=False,
    )
    return Done(
        code=done.returncode, out=done.stdout.decode().replace("\r\n", "\n"), err=done.stderr.decode()
    )


def good(board: Board, *arguments: str) -> str:
    board.wait_listening()
    done = mpremote(board, *arguments)
    assert done.code == 0, done
    return done.out


def wait_for_boot(board: Board, *, hard: int) -> None:
    """mpremote ends 100 ms before the board resets."""
    wait_for(lambda: board.counters.boots["hard"] == hard)


@pytest.fixture
def board(new_board: NewBoard) -> Board:
    return new_board(BUSY)


def test_exec_and_eval_break_into_running_firmware(board: Board) -> None:
    assert good(board, "exec", "print('in', 6 * 7)") == "in 42\n"
    assert good(board, "eval", "[1, 'a']") == "[1, 'a']\n"
    assert board.counters.interrupts == 1
    assert board.counters.killed_by_interrupt == 0


def test_an_exception_on_the_board_is_an_exit_code_and_a_traceback(board: Board) -> None:
    board.wait_listening()
    done = mpremote(board, "exec", "1 / 0")
    assert done.code == 1
    assert 'File "<stdin>", line 1, in <module>\nZeroDivisionError: divide by zero' in done.out


def test_run_streams_what_the_script_prints(board: Board, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("for n in range(3):\n    print(n)\n" + "# padding\n" * 2000)
    assert good(board, "run", str(script)) == "0\n1\n2\n"


def test_files_go_to_the_board_and_come_back(board: Board, tmp_path: Path) -> None:
    content = os.urandom(20_000)
    (tmp_path / "a.bin").write_bytes(content)
    good(board, "fs", "mkdir", ":dir")
    good(board, "fs", "cp", str(tmp_path / "a.bin"), ":dir/b.bin")
    assert board.read_file("/dir/b.bin") == content
    assert "20000 b.bin" in good(board, "fs", "ls", ":dir")
    assert sha256(content).hexdigest() in good(board, "fs", "sha256sum", ":dir/b.bin")
    good(board, "fs", "cp", ":dir/b.bin", str(tmp_path / "c.bin"))
    assert (tmp_path / "c.bin").read_bytes() == content
    assert "└── b.bin" in good(board, "fs", "tree", ":dir")
    good(board, "fs", "rm", ":dir/b.bin")
    good(board, "fs", "rmdir", ":dir")
    assert "dir" not in good(board, "fs", "ls", ":")


def test_a_tree_is_copied_and_a_file_is_shown(board: Board, tmp_path: Path) -> None:
    (tmp_path / "pack" / "sub").mkdir(parents=True)
    (tmp_path / "pack" / "sub" / "m.py").write_text("x = 'shown'\n")
    good(board, "fs", "cp", "-r", str(tmp_path / "pack"), ":")
    assert good(board, "fs", "cat", ":pack/sub/m.py") == "x = 'shown'\n"


def test_a_missing_file_is_named(board: Board) -> None:
    board.wait_listening()
    done = mpremote(board, "fs", "rm", ":nope")
    assert done.code == 1
    assert "nope" in done.err


REFUSED = [
    # What is asked; the exit code, what stdout holds, what stderr holds.
    ("run HERE/bad.py", (1, 'before\nTraceback (most recent call last):\n  File "<stdin>", line 2', "")),
    ("run HERE/none.py", (1, "", "could not read file")),
    ("eval 1+", (1, "SyntaxError: invalid syntax", "")),
    ("fs ls :nope", (1, "", "ls: nope: No such file or directory.")),
    ("fs mkdir :dir", (1, "", "mkdir: dir: File exists.")),
    ("fs rmdir :dir", (1, "", "OSError: 39")),  # MicroPython has no name for this number
    ("fs rm -r :nope", (1, "", "rm: nope: No such file or directory.")),
    ("fs sha256sum :nope", (1, "", "sha256sum: nope: No such file or directory.")),
    ("fs cat :dir", (1, "", "cat: dir: Is a directory.")),
    ("fs cp :nope HERE", (1, "", "cp: nope: No such file or directory.")),
    ("fs cp HERE/bad.py :nope/bad.py", (1, "", "cp: nope/bad.py: No such file or directory.")),
    ("mip install HERE/bad.json", (1, "Package may be partially installed", "missing.py")),
    ("frobnicate", (1, "", "'frobnicate' is not a command")),
    ("fs", (2, "", "fs: error: the following arguments are required")),
]


@pytest.mark.parametrize(("asked", "answer"), REFUSED)
def test_what_is_refused_has_its_exit_code_and_its_sentence(
    asked: str, answer: tuple[int, str, str], new_board: NewBoard, tmp_path: Path
) -> None:
    (tmp_path / "bad.py").write_text("print('before')\nraise OSError(5)\n")
    (tmp_path / "bad.json").write_text('{"urls": [["p/a.py", "missing.py"]], "version": "1"}')
    board = new_board(files={"/dir/x.txt": b"hello"})
    board.wait_listening()
    done = mpremote(board, *asked.replace("HERE", str(tmp_path)).split())
    code, out, err = answer
    assert done.code == code
    assert out in done.out
    assert err in done.err


def test_a_file_that_is_there_already_is_not_sent_again(new_board: NewBoard, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("hello")
    board = new_board(files={"/dir/x.txt": b"hello"})
    assert "Up to date: dir/x.txt\n" in good(board, "fs", "cp", str(tmp_path / "x.txt"), ":dir/x.txt")
    assert "Up to date" not in good(board, "fs", "cp", "-f", str(tmp_path / "x.txt"), ":dir/x.txt")


def test_a_tree_is_removed_with_all_that_is_in_it(new_board: NewBoard) -> None:
    board = new_board(files={"/dir/sub/x.txt": b"hello", "/dir/y.txt": b""})
    good(board, "fs", "rm", "-r", ":dir")
    assert good(board, "fs", "ls", ":") == "ls :\n"


def test_a_script_that_exits_has_done_well(new_board: NewBoard) -> None:
    board = new_board()
    assert good(board, "exec", "print(1)\nimport sys\nsys.exit(3)") == "1\n"
    assert board.counters.boots["soft"] == 2  # one before the script, one for its SystemExit


def test_a_port_that_another_holds_is_refused(new_board: NewBoard) -> None:
    board = new_board()
    with Terminal(board.port):
        done = mpremote(board, "exec", "1")
    assert done.code == 1
    assert f"failed to access {board.port} (it may be in use by another program)" in done.err


def test_reset_starts_main_again(board: Board) -> None:
    good(board, "exec", "x = 1")
    good(board, "reset")
    with Terminal(board.port) as terminal:
        terminal.read_until(b"rst:0xc (SW_CPU_RESET)")
        terminal.read_until(b"\x7e\x80\x01\x02\xff\x7e")
    assert board.counters.boots["hard"] == 1


def test_soft_reset_leaves_main_alone_and_resume_keeps_variables(board: Board) -> None:
    good(board, "soft-reset")
    good(board, "resume", "exec", "kept = 'here'")
    assert good(board, "resume", "exec", "print(kept)") == "here\n"
    assert board.counters.boots["soft"] == 1


def test_ctrl_c_reaches_a_loop_that_never_looks_up(new_board: NewBoard) -> None:
    board = new_board("while True: pass")
    assert good(board, "exec", "print('in')") == "in\n"
    assert board.counters.killed_by_interrupt == 1


def test_mip_installs_a_package_without_an_index(board: Board, tmp_path: Path) -> None:
    (tmp_path / "pack.py").write_text("VALUE = 5\n")
    package = tmp_path / "package.json"
    package.write_text('{"urls": [["pack/pack.py", "pack.py"]], "version": "1"}')
    good(board, "mip", "install", str(package))
    assert good(board, "exec", "from pack.pack import VALUE; print(VALUE)") == "5\n"


def test_a_mounted_directory_is_read_and_imported(board: Board, tmp_path: Path) -> None:
    (tmp_path / "far.py").write_text("NAME = __name__\nTEXT = 'x' * 3000\n")
    (tmp_path / "data.bin").write_bytes(bytes(range(256)))
    out = good(
        board,
        "mount",
        str(tmp_path),
        "exec",
        "import far, os; print(far.NAME, len(far.TEXT), open('data.bin','rb').read() == bytes(range(256)))",
    )
    assert "far 3000 True" in out


def test_the_clock_is_set_and_space_is_shown(board: Board) -> None:
    good(board, "rtc", "--set")
    assert re.match(r"\(20[2-9]\d, ", good(board, "rtc"))
    assert "2097152" in good(board, "df")


def test_calls_in_a_row_never_fail(board: Board) -> None:
    for n in range(8):
        assert good(board, "exec", f"print({n})") == f"{n}\n"
        good(board, "reset")
        wait_for_boot(board, hard=n + 1)
