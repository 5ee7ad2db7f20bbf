"""`fieldgate store export` and `import`, as people type them."""

import json
import os
import pty
import subprocess
import sys

import pytest
from click.testing import CliRunner

from gateway.archive.reader import entries
from gateway.archive.writer import PART
from gateway.cli import fieldgate
from gateway.failure import ExitCode
from gateway.machine import machine_name
from gateway.store.lock import DirectoryLock
from gateway.store.records import Stored
from tests.gateway.store.bench import change
from tests.gateway.store.gateways import Gateway

COUNT = 60


@pytest.fixture
def first(tmp_path):
    gateway = Gateway(tmp_path / "first")
    gateway.boot()
    gateway.describe()
    gateway.fill(range(COUNT))
    return gateway


@pytest.fixture
def home(tmp_path):
    gateway = Gateway(tmp_path / "home", machine="machine-2")
    gateway.boot()
    return gateway


def config(gateway):
    file = gateway.directory / "fieldgate.toml"
    lines = [f'name = "{gateway.directory.name}"', f'state_directory = "{gateway.directory}"']
    file.write_text("\n".join(["[gateway]", *lines, "[[port]]", 'glob = "/dev/ttyUSB*"\n']), encoding="utf-8")
    return str(file)


def store(gateway, command, *arguments):
    return CliRunner().invoke(
        fieldgate, ["store", command, "--config", config(gateway), *map(str, arguments)]
    )


def test_the_way_home_on_a_stick(first, home, tmp_path):
    stick = tmp_path / "stick.gz"
    result = store(first, "export", stick)
    assert result.exit_code == ExitCode.OK
    assert result.stdout.startswith(f"{stick}: {COUNT} records, {stick.stat().st_size} octets")
    result = store(home, "import", "--check", stick)
    assert result.stdout == f"{stick}: from gateway first, {COUNT} records, whole\n"
    assert home.records() == []
    result = store(home, "import", stick)
    assert result.exit_code == ExitCode.OK
    assert result.stdout.startswith(
        f"{stick}: from gateway first, {COUNT} records, whole; {COUNT} readings and"
    )
    assert home.records() == first.records()
    result = store(home, "import", stick)
    assert result.exit_code == ExitCode.OK
    assert result.stdout.endswith("; all of it was here already\n")


def test_a_folder_gets_a_file_with_the_gateways_name(first, tmp_path):
    folder = tmp_path / "medium"
    folder.mkdir()
    result = store(first, "export", folder, "--json")
    document = json.loads(result.stdout)
    [file] = folder.iterdir()
    assert document == {
        "file": str(file),
        "records": COUNT,
        "octets": file.stat().st_size,
        "damaged_records": 0,
        "damaged_rows": [],
    }
    assert file.name.startswith("first-")
    assert file.name.endswith(".fieldgate.gz")
    assert next(entries(file)).machine == machine_name()


def test_what_is_left_out_is_said(first, tmp_path):
    change(first.directory, "UPDATE record SET crc = crc + 1 WHERE id = 7")
    result = store(first, "export", tmp_path / "x")
    assert result.exit_code == ExitCode.FAULT
    assert "1 records and 0 rows are damaged and not in it: fieldgate store check" in result.stderr


def test_options_choose_what_goes(first, tmp_path):
    first.sink("mqtt", cursor=50)
    chosen = {
        "sink": ["--waiting-for", "mqtt"],
        "node": ["--node", "24becf804ff9"],
        "late": ["--since", "2027-01-01T00:00:00+01:00"],
        "early": ["--until", "2027-01-01"],
    }
    found = {}
    for name, options in chosen.items():
        assert store(first, "export", tmp_path / name, *options).exit_code == ExitCode.OK
        found[name] = sum(isinstance(entry, Stored) for entry in entries(tmp_path / name))
    assert found == {"sink": 10, "node": 0, "late": 0, "early": COUNT}


def test_an_archive_is_never_written_over(first, tmp_path):
    (tmp_path / "x").write_bytes(b"precious")
    result = store(first, "export", tmp_path / "x")
    assert result.exit_code == ExitCode.FAULT
    assert "next step: choose another name" in result.stderr
    assert (tmp_path / "x").read_bytes() == b"precious"


def test_a_medium_that_is_not_there_is_said_so(first, tmp_path):
    result = store(first, "export", tmp_path / "media" / "x")
    assert result.exit_code == ExitCode.FAULT
    assert "No such file or directory" in result.stderr
    assert "next step: is it mounted?" in result.stderr


def test_a_sink_that_is_not_there_is_a_wrong_command_line(first, tmp_path):
    result = store(first, "export", tmp_path / "x", "--waiting-for", "mqtt")
    assert result.exit_code == ExitCode.USAGE
    assert "no sink 'mqtt'" in result.stderr


def test_a_file_that_the_medium_does_not_take_whole_is_not_there_afterwards(first, tmp_path):
    first.fill(range(COUNT, 4000))
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16));"
        "from gateway.cli import main; sys.argv[0] = 'fieldgate'; main()"
    )
    arguments = ["store", "export", str(tmp_path / "x"), "--config", config(first)]
    done = subprocess.run(
        [sys.executable, "-c", limited, *arguments], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == ExitCode.FAULT
    assert "error: " in done.stderr
    assert "next step: FAT takes 4 GiB" in done.stderr
    assert not (tmp_path / "x").exists()
    assert not (tmp_path / f"x{PART}").exists()


def test_a_broken_file_names_the_place_and_changes_nothing(first, home, tmp_path):
    stick = tmp_path / "stick"
    first.export(stick)
    octets = bytearray(stick.read_bytes())
    octets[len(octets) // 2] ^= 1
    stick.write_bytes(octets)
    for arguments in ([stick], ["--check", stick]):
        result = store(home, "import", *arguments)
        assert result.exit_code == ExitCode.FAULT
        assert f"error: {stick}: " in result.stderr
        assert "entry" in result.stderr
        assert "next step: copy it from the stick once more" in result.stderr
    assert home.records() == []


def test_what_is_no_archive_is_said_so(home, tmp_path):
    (tmp_path / "x").write_bytes(b"a holiday picture")
    result = store(home, "import", tmp_path / "x")
    assert result.exit_code == ExitCode.FAULT
    assert "not_an_archive: it is not a gzip file" in result.stderr
    assert "next step: was it written by fieldgate store export?" in result.stderr


def test_a_running_agent_must_be_stopped_first(first, home, tmp_path):
    first.export(tmp_path / "x")
    lock = DirectoryLock(home.directory)
    result = store(home, "import", tmp_path / "x")
    lock.release()
    assert result.exit_code == ExitCode.FAULT
    assert "in_use: " in result.stderr
    assert "next step: sudo systemctl stop fieldgate" in result.stderr


def test_json_tells_what_was_taken(first, home, tmp_path):
    stick = tmp_path / "x"
    first.sink("far", cursor=20, ranges=[(31, 40)])
    first.export(stick, sink="far")
    document = json.loads(store(home, "import", "--json", stick).stdout)
    assert len(bytes.fromhex(document.pop("sha256"))) == 32
    assert document == {
        "file": str(stick),
        "gateway": "first",
        "machine": "machine-1",
        "made_ns": None,
        "records": 30,
        "streams": 1,
        "taken": {"readings": 30, "gaps": 0, "descriptors": 1, "exchanges": 0, "host_boots": 1},
        "repeats": 0,
        "found": 0,
        "lost": 10,
    }


def test_a_terminal_shows_how_far_it_is(first, tmp_path):
    main, terminal = pty.openpty()
    arguments = ["store", "export", str(tmp_path / "x"), "--config", config(first)]
    command = [sys.executable, "-c", "from gateway.cli import main; main()", *arguments]
    with subprocess.Popen(
        command, stderr=terminal, stdout=subprocess.DEVNULL, env=os.environ | {"TERM": "xterm"}
    ) as process:
        assert process.wait(20) == ExitCode.OK
    os.close(terminal)
    shown = os.read(main, 65_536).decode()
    os.close(main)
    assert "export" in shown
    assert "100%" in shown
