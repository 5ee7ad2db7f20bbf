"""The small disks that stories fill: they are what they say, for root and for anybody else."""

import errno

import pytest

from hil_tests import real_disk
from hil_tests.real_disk import MIB, RealDisk


@pytest.mark.parametrize("is_root", [real_disk.IS_ROOT, False])
def test_a_small_disk_can_be_full_and_read_only(monkeypatch, is_root):
    monkeypatch.setattr("hil_tests.real_disk.IS_ROOT", is_root)
    with RealDisk(octets=2 * MIB, inodes=50) as disk:
        (disk.path / "ours").write_bytes(b"1")
        disk.fill()
        with pytest.raises(OSError, match="No space") as full:
            (disk.path / "ours").write_bytes(bytes(8192))
        assert full.value.errno == errno.ENOSPC
        disk.free()
        disk.fill_inodes()
        with pytest.raises(OSError, match="No space"):
            (disk.path / "one more").touch()
        disk.free()
        disk.remount("ro")
        with pytest.raises(OSError, match="Read-only"):
            (disk.path / "one more").touch()
        disk.remount("rw")
        (disk.path / "one more").touch()
        folder = disk.path.parent
    assert not folder.exists() or not list(folder.iterdir())


if real_disk.has_ext4():  # who cannot have one has nothing to test

    def test_a_disk_with_an_error_is_read_only_until_it_is_repaired():
        with RealDisk(octets=16 * MIB, kind="ext4") as disk:
            (disk.path / "ours").write_bytes(b"1")
            disk.fail()
            with pytest.raises(OSError, match="Read-only"):
                (disk.path / "one more").touch()
            disk.repair()
            (disk.path / "one more").touch()
