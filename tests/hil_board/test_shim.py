"""What a board's MicroPython loads first: made once, by whoever comes first."""

import subprocess
import sys
from pathlib import Path

import pytest

from hil_tests.board.flash import FLASH_OCTETS, Flash, FlashFault, NoSuchFile
from hil_tests.board.shim import shim_directory

MAKE = "import sys; from pathlib import Path; from hil_tests.board.shim import shim_directory as make; "
SOURCES = Path(__file__).resolve().parents[2] / "hil_tests" / "board" / "child"


def made_by_three_at_once(cache: Path) -> set[str]:
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", f"{MAKE}print(make(Path(sys.argv[1])))", cache], stdout=subprocess.PIPE
        )
        for _ in range(3)
    ]
    return {maker.communicate(timeout=20)[0].decode().strip() for maker in makers}


def test_several_that_come_first_make_it_once(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (directory,) = map(Path, made_by_three_at_once(cache))
    assert {file.stem for file in directory.iterdir()} == {file.stem for file in SOURCES.glob("*.py")}
    assert directory.stat().st_mode & 0o777 == 0o755
    assert {entry.name for entry in cache.iterdir()} == {directory.name, "board-shim.lock"}


def test_what_was_begun_and_not_ended_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "board-shim-begun").mkdir()
    (tmp_path / "board-shim-begun" / "half.mpy").write_bytes(b"")
    assert "half.mpy" not in {file.name for file in shim_directory(tmp_path).iterdir()}


def test_a_fault_of_the_flash_says_what_there_was_to_mend_it_with(tmp_path: Path) -> None:
    flash = Flash(tmp_path)
    flash.write(b"\x55" * FLASH_OCTETS)
    with pytest.raises(FlashFault, match=r"(?s)tool\.put.*exit 1, .*OSError.*tool\.mpy \d{3}") as fault:
        flash.install({"/main.py": b""})
    assert not isinstance(fault.value, NoSuchFile)
