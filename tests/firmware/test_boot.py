from firmware.boot import Boot


def boot(tmp_path, octets=b"\x12\x67"):
    return Boot(f"{tmp_path}/", octets)


def test_a_new_node_begins_at_count_0_with_random_bits(tmp_path):
    first = boot(tmp_path)
    assert (first.count, first.number, first.stored) == (0, 0x1267, True)


def test_each_boot_counts_one_and_carries_its_random_bits(tmp_path):
    numbers = [boot(tmp_path, bytes([0, at])).number for at in range(12)]
    assert numbers == [at << 16 | at for at in range(12)]


def test_a_torn_file_begins_anew_at_0(tmp_path):
    path = tmp_path / "boot_count"
    for torn in (
        b"",
        b"1",
        b"37",
        b"\x00\x00\n",
        b"3x\n",
        b"-4\n",
        b"99999999999999\n",
        b"\n",
        b"4294967295\n",
    ):
        path.write_bytes(torn)
        assert boot(tmp_path).count == 0, torn
        assert boot(tmp_path).count == 1


def test_a_power_cut_before_the_rename_leaves_the_old_count(tmp_path):
    boot(tmp_path)
    boot(tmp_path)
    (tmp_path / "boot_count.new").write_bytes(b"9")
    assert boot(tmp_path).count == 2


def test_one_file_is_left_and_written_once_per_boot(tmp_path):
    boot(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["boot_count"]


def test_a_file_system_that_takes_nothing_does_not_stop_the_boot(tmp_path):
    stuck = Boot(f"{tmp_path}/absent/", b"\x00\x01")
    assert (stuck.count, stuck.stored) == (0, False)


def test_a_crash_is_told_in_a_line_of_what_and_why(tmp_path):
    crash = tmp_path / "crash.txt"
    assert boot(tmp_path).crash == ""
    crash.write_text(
        "crash in boot 7 after 93 s\nTraceback (most recent call last):\n  File\nValueError: 3\n"
    )
    assert boot(tmp_path).crash == "crash in boot 7 after 93 s: ValueError: 3"
    crash.write_text("task hung: group 1 in boot 7 after 93 s\n")
    assert boot(tmp_path).crash == "task hung: group 1 in boot 7 after 93 s"


def test_a_crash_fits_the_link_whatever_its_file_holds(tmp_path):
    crash = tmp_path / "crash.txt"
    for octets in (b"", b"\n\n", b"crash\n" + "\u20ac".encode() * 5000, bytes(range(256)) * 20):
        crash.write_bytes(octets)
        assert len(boot(tmp_path).crash.encode()) <= 200
