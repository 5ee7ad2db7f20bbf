"""Which mount the store is on, and what of it is dangerous. The texts are as kernels printed them."""

from pathlib import Path

import pytest

from gateway import mounts

PI = """\
23 28 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
24 28 0:21 / /proc rw,relatime shared:14 - proc proc rw
28 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw
29 23 0:6 / /sys/kernel/security rw,nosuid,nodev,noexec,relatime shared:8 - securityfs securityfs rw
73 28 179:1 / /boot/firmware rw,relatime shared:39 - vfat /dev/mmcblk0p1 rw,fmask=0022,errors=remount-ro
80 28 0:45 / /tmp rw,nosuid,nodev shared:41 - tmpfs tmpfs rw,size=948276k,nr_inodes=409600
"""
VENDOR = """\
25 1 179:7 / / rw,relatime shared:1 - ext4 /dev/mmcblk0p7 rw,nobarrier,data=writeback
26 25 8:1 / /srv/usb\\040stick rw,noatime - exfat /dev/sda1 rw,iocharset=utf8
27 25 0:50 / /var/lib/fieldgate rw - nfs4 10.0.0.5:/export/gw rw,vers=4.2,hard,proto=tcp
"""
# A Pi in raspi-config's read-only mode: the upper layer was mounted before the root was changed.
OVERLAYROOT = """\
22 1 0:19 / / rw,noatime - overlay overlay rw,lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work
23 22 0:20 / /proc rw - proc proc rw
"""
# Another distribution's: its layers stay in sight.
LAYERS = """\
22 1 0:30 / / rw - overlay overlayroot rw,lowerdir=/media/ro,upperdir=/media/rw/up,workdir=/media/rw/work
23 22 0:31 / /media/rw rw - tmpfs tmpfs-root rw
24 22 8:2 / /media/disk rw - ext4 /dev/sda2 rw
25 22 0:32 / /srv rw - overlay data rw,lowerdir=/media/ro,upperdir=/media/disk/up,workdir=/media/disk/w
"""


def found(text, directory):
    mount = mounts.mount_of(Path(directory), text)
    return [each.name for each in mounts.concerns(mount, text)]


@pytest.mark.parametrize(
    ("text", "directory", "names"),
    [
        (PI, "/var/lib/fieldgate", []),
        (PI, "/boot/firmware/state", ["mount_fat"]),
        (PI, "/tmp/state", ["mount_volatile"]),
        (PI, "/tmpfiles", []),
        (VENDOR, "/home/pi", ["mount_writeback", "mount_no_barrier"]),
        (VENDOR, "/srv/usb stick/fieldgate", ["mount_fat"]),
        (VENDOR, "/var/lib/fieldgate", ["mount_network"]),
        (OVERLAYROOT, "/var/lib/fieldgate", ["mount_overlay"]),
        (LAYERS, "/var/lib/fieldgate", ["mount_volatile"]),
        (LAYERS, "/srv/state", []),
    ],
)
def test_what_of_a_mount_is_dangerous_has_a_name(text, directory, names):
    assert found(text, directory) == names


def test_the_mount_is_said_as_people_know_it():
    mount = mounts.mount_of(Path("/var/lib/fieldgate"), PI)
    assert str(mount) == "ext4 (rw,noatime) on /"
    [concern] = mounts.concerns(mounts.mount_of(Path("/tmp/x"), PI), PI)
    assert concern.detail.startswith("tmpfs (rw,nosuid,nodev,size=948276k,nr_inodes=409600) on /tmp: all")


def test_of_two_mounts_at_one_place_the_later_counts():
    text = PI + "90 28 8:1 / /tmp rw - ext4 /dev/sda1 rw\n"
    assert found(text, "/tmp/state") == []


def test_lines_that_are_no_mounts_are_left_out():
    assert mounts.mount_of(Path("/x"), "") is None
    assert mounts.mount_of(Path("/x"), "1 2 3\n1 2 0:3 / / rw - \n - \n") is None


def test_the_text_of_this_machine_is_understood():
    text = mounts.MOUNTINFO.read_text(encoding="utf-8")
    mount = mounts.mount_of(Path("/proc/self"), text)
    assert (mount.kind, mount.point) == ("proc", Path("/proc"))
