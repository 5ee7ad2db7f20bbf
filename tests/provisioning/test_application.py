import os
import subprocess
from pathlib import Path

import pytest

from hil_tests.interpreters import micropython
from hil_tests.stock_image import umqtt
from provisioning import application
from provisioning.application import NotBuilt, build

ROOT = Path(__file__).parents[2]
STANDIN = ROOT / "tests" / "firmware" / "standin"


@pytest.fixture
def board(tmp_path):
    """The application in a directory, and MicroPython run with nothing else in its path."""
    for path, octets in build().files.items():
        file = tmp_path / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(octets)
    # `machine` and `time` stand for the board's own; nothing of the firmware's sources is in reach.
    chips = tmp_path / "chips"
    chips.mkdir()
    for name in ("machine.py", "network.py"):
        (chips / name).write_bytes((STANDIN / name).read_bytes())
    for path, octets in umqtt().items():
        file = tmp_path / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(octets)

    def run(source):
        return subprocess.run(
            [micropython(), "-X", "heapsize=400k", "-c", source],
            cwd=chips,  # or the checkout's sources would be found before the compiled files
            env={**os.environ, "MICROPYPATH": f"{chips}:{tmp_path / 'a'}:{tmp_path / 'lib'}:.frozen"},
            capture_output=True,
            text=True,
            timeout=9,
            check=False,
        )

    return run


def test_the_compiled_application_is_all_that_the_launcher_needs(board):
    done = board("from firmware import VERSION, board\nprint(VERSION, board.uid())")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("0.1.0 ")


def test_every_compiled_module_is_loaded_by_micropython(board):
    names = [
        path.removeprefix("/a/").removesuffix(".mpy").removesuffix("/__init__").replace("/", ".")
        for path in build().files
        if path.startswith("/a/") and path.endswith(".mpy")
    ]
    done = board(f"for name in {names!r}:\n    __import__(name)\nprint('all')")
    assert done.stdout.strip() == "all", done.stderr


def test_a_traceback_names_file_and_line(board):
    done = board("from wire.up import decode\ndecode(b'\\x81\\x18\\x63')")
    assert 'File "wire.message", line ' in done.stderr + done.stdout


def test_only_what_the_launcher_reaches_is_taken():
    files = build().files
    assert {
        "/main.py",
        "/launch.mpy",
        "/a/wire/framing.mpy",
        "/a/firmware/app.mpy",
        "/a/drivers/bme280.mpy",
    } <= set(files)
    assert "/a/wire/gateway_session.mpy" not in files
    assert "/a/firmware/main.mpy" not in files
    assert files["/main.py"] == (ROOT / "firmware" / "main.py").read_bytes()


def test_a_change_in_any_file_changes_the_digest(monkeypatch):
    before = build()
    assert build() == before
    original = application._read
    monkeypatch.setattr(
        application, "_read", lambda path: original(path) + (b"\nX = 1\n" if path.name == "clock.py" else b"")
    )
    after = build()
    assert after.digest != before.digest
    changed = {path for path in after.files if after.files[path] != before.files[path]}
    assert changed == {"/a/firmware/clock.mpy", "/a/application.json"}


def test_the_application_leaves_the_flash_mostly_free():
    assert build().octets < 120_000  # of 960 KiB at least, twice


def test_a_package_that_is_not_installed_is_named():
    with pytest.raises(NotBuilt, match="nowhere: this package is not installed"):
        list(application.imports_of("nowhere"))


def test_a_source_that_does_not_compile_is_named():
    with pytest.raises(NotBuilt, match=r"wire/torn\.py: [\s\S]*SyntaxError"):
        application._compiled("wire/torn.py", b"def f(:\n")
