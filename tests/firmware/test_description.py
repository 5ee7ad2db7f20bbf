"""The DESCRIBE in its file: written once, whole at any power cut, and not trusted blindly."""

import pytest

from firmware.description import keep, read
from wire import cbor, up

FIRST, SECOND = (
    up.Describe({"channels": [{"name": name}], "groups": [], "node": {}}).encode(cbor.Encoder(1024))
    for name in ("first", "second")
)
NAMES = {message: up.descriptor_hash(message[2:]) for message in (FIRST, SECOND)}


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "describe")


def test_it_is_written_where_it_is_another_and_only_there(path, tmp_path):
    assert keep(path, FIRST)
    assert read(path, NAMES[FIRST]) == FIRST
    written = (tmp_path / "describe").stat()
    assert keep(path, FIRST)
    assert (tmp_path / "describe").stat() == written
    assert keep(path, SECOND)
    assert read(path, NAMES[SECOND]) == SECOND


@pytest.mark.parametrize("torn", [b"", SECOND[:9], SECOND], ids=["empty", "torn", "whole"])
@pytest.mark.parametrize("old", [None, FIRST], ids=["none", "old"])
def test_a_power_cut_before_the_rename_does_not_matter(path, tmp_path, old, torn):
    if old:
        keep(path, old)
    (tmp_path / "describe.new").write_bytes(torn)
    assert keep(path, SECOND)
    assert read(path, NAMES[SECOND]) == SECOND
    assert [file.name for file in tmp_path.iterdir()] == ["describe"]


def test_what_flash_does_not_take_stays_in_ram(tmp_path):
    assert not keep(str(tmp_path / "nowhere" / "describe"), FIRST)


@pytest.mark.parametrize("octets", [None, b"", FIRST[:-1], SECOND])
def test_another_description_is_not_told_for_it(path, tmp_path, octets):
    if octets is not None:
        (tmp_path / "describe").write_bytes(octets)
    with pytest.raises(OSError, match="describe is damaged"):
        read(path, NAMES[FIRST])


def test_a_damaged_file_is_mended_by_the_next_start(path, tmp_path):
    keep(path, FIRST)
    (tmp_path / "describe").write_bytes(FIRST[:-1] + b"\x00")
    assert keep(path, FIRST)
    assert read(path, NAMES[FIRST]) == FIRST
