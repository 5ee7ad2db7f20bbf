"""Power cuts at every operation of a flash, replayed from a recording."""

import os
import subprocess
from io import BytesIO
from pathlib import Path

import pytest

from hil_tests.board import Board, Image
from hil_tests.board.board import BoardInUse
from hil_tests.board.child.flash_log import BLOCK_OCTETS, Recorder, images, operations
from hil_tests.board.recording import Recording
from hil_tests.board.shim import shim_directory
from hil_tests.interpreters import micropython
from tests.hil_board.conftest import NewBoard
from tests.hil_board.terminal import Terminal, wait_for

CUTS_LEAST = 2000
ERASE, SYNC = 6, 3  # ioctl requests of a block device

# A small journal as a firmware may keep it: append and flush, then a file replaced by rename. At each
# cut the file system must mount, hold what was acknowledged before it, and take more.
REPLAY = """
import io, json, vfs, os
from flash_log import BLOCK_OCTETS, Image, Recorder, images
G = {"readsize": 32, "progsize": 32, "lookahead": 32}
new = Image(b"\\xff" * BLOCK_OCTETS * 24)
vfs.VfsLfs2.mkfs(new, **G)
base = bytearray(new.octets())
log = io.BytesIO()
device = Recorder(Image(base), log)
vfs.mount(vfs.VfsLfs2(device, **G), "/f")
acknowledged = []
file = open("/f/journal", "wb")
for n in range(50):
    file.write(b"%04d " % n * 8)
    file.flush()
    acknowledged.append((device.position, n))
    if n % 10 == 9:
        with open("/f/new", "w") as new:
            new.write(str(n) * 50)
        os.rename("/f/new", "/f/settings")
file.close()
vfs.umount("/f")
cuts = bad = 0
for image in images(base, log.getvalue()):
    cuts += 1
    vfs.mount(vfs.VfsLfs2(image, **G), "/f")
    kept = [n for position, n in acknowledged if position <= image.position]
    try:
        octets = open("/f/journal", "rb").read()
    except OSError:
        octets = b""
    settings = ""
    if "settings" in os.listdir("/f"):
        settings = open("/f/settings").read()
    whole = len(octets) // 40
    if whole < len(kept) or octets[: whole * 40] != b"".join([b"%04d " % n * 8 for n in range(whole)]):
        bad += 1
    if settings and settings != settings[: len(settings) // 50] * 50:
        bad += 1
    with open("/f/after", "w") as after:
        after.write("x" * 300)
    vfs.umount("/f")
print(json.dumps([cuts, bad]))
"""


@pytest.mark.timeout(60)
def test_two_thousand_cuts_of_a_journal_lose_nothing_acknowledged() -> None:
    done = subprocess.run(
        [micropython(), "-X", "heapsize=4m", "-c", REPLAY],
        env={"MICROPYPATH": f"{shim_directory()}:.frozen", "PATH": os.defpath},
        capture_output=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    cuts, bad = eval(done.stdout)
    assert bad == 0
    assert cuts > CUTS_LEAST


def recorded(*work: tuple[int, int, int, bytes]) -> tuple[bytearray, bytes]:
    """A flash of two blocks of zeros, and the log of (block, offset, ioctl or 0, octets) on it."""
    base = bytearray(2 * BLOCK_OCTETS)
    log = BytesIO()
    device = Recorder(Image(base), log)
    for block, offset, request, octets in work:
        if request:
            device.ioctl(request, block)
        else:
            device.writeblocks(block, octets, offset)
    return base, log.getvalue()


def test_a_cut_loses_a_program_or_tears_it_between_units_or_within_one() -> None:
    program = b"\xff" * 96
    base, log = recorded((1, 64, 0, program))
    found = [
        (image.how, image.octets()[BLOCK_OCTETS + 64 : BLOCK_OCTETS + 160]) for image in images(base, log)
    ]
    zeros = bytes(96)
    assert [how for how, _ in found] == ["lost", "torn", "torn", "garbled", "whole"]
    assert [octets for how, octets in found if how != "garbled"] == [
        zeros,
        program[:32] + zeros[:64],
        program[:64] + zeros[:32],
        program,
    ]
    garbled = found[3][1]
    assert garbled not in {zeros, program}
    assert sum(garbled[at : at + 32] not in {program[:32], zeros[:32]} for at in (0, 32, 64)) == 1
    assert bytes(base[BLOCK_OCTETS + 64 : BLOCK_OCTETS + 160]) == program


def test_a_cut_leaves_an_erase_undone_half_done_or_doubtful() -> None:
    base, log = recorded((0, 0, ERASE, b""), (0, 0, SYNC, b""))
    found = {image.how: image.octets()[:BLOCK_OCTETS] for image in images(base, log)}
    assert list(found) == ["lost", "half_erased", "garbled", "whole"]
    assert found["lost"] == bytes(BLOCK_OCTETS)
    assert found["half_erased"] == b"\xff" * 2048 + bytes(2048)
    assert found["garbled"].count(0) < BLOCK_OCTETS // 8
    assert found["whole"] == b"\xff" * BLOCK_OCTETS


def test_what_is_written_to_an_image_does_not_reach_the_next() -> None:
    base, log = recorded((0, 0, 0, b"a"), (0, 1, 0, b"b"))
    for image in images(base, log):
        image.ioctl(ERASE, 0)
        image.writeblocks(1, b"mine", 10)
        across = bytearray(BLOCK_OCTETS)
        image.readblocks(0, across, 14)
        assert across[-14:-4] + across[-4:] == bytes(10) + b"mine"
    assert bytes(base) == b"ab" + bytes(2 * BLOCK_OCTETS - 2)


def test_a_log_that_ends_within_an_operation_ends_before_it() -> None:
    _, log = recorded((0, 0, 0, b"abc"), (0, 3, 0, b"def"))
    assert [len(list(operations(log[:end]))) for end in (0, 7, 10, 11, 18, 21, 22)] == [0, 0, 0, 1, 1, 1, 2]


def test_what_a_power_cut_interrupted_is_carried_out_or_forgotten(tmp_path: Path) -> None:
    image = tmp_path / "flash.img"
    image.write_bytes(bytes(2 * BLOCK_OCTETS))
    recording = Recording(image)
    _, log = recorded((0, 0, 0, b"done"), (1, 0, ERASE, b""), (1, 8, 0, b"half"))
    recording.log.write_bytes(log + log[:10])
    recording.mend()
    assert recording.log.read_bytes() == log
    assert image.read_bytes()[BLOCK_OCTETS + 8 : BLOCK_OCTETS + 12] == b"half"
    recording.log.write_bytes(log[:20])
    recording.mend()
    assert recording.position == 20
    assert image.read_bytes()[BLOCK_OCTETS : 2 * BLOCK_OCTETS] == b"\xff" * BLOCK_OCTETS
    recording.log.write_bytes(log[:7])
    recording.mend()
    assert recording.position == 0


def test_a_board_boots_from_any_cut_of_another_boards_flash(new_board: NewBoard, tmp_path: Path) -> None:
    main = (
        "import os\ntry: n = int(open('/count').read())\nexcept OSError: n = 0\n"
        "with open('/new', 'w') as f: f.write(str(n + 1))\nos.rename('/new', '/count')\nprint('boot', n)\n"
    )
    board = new_board(main)
    with Terminal(board.port) as terminal:
        terminal.read_until(b">>> ")
    board.kill()
    board.record_flash()
    known: list[tuple[int, int]] = []  # how much of the log there was when this count was on flash
    for n in range(1, 4):
        board.start()
        with Terminal(board.port) as terminal:
            terminal.read_until(b"boot %d\r\n" % n)
            terminal.read_until(b">>> ")
        known.append((board.flash_position, n + 1))
        board.kill()
    again = Board(tmp_path / "again")
    tried = 0
    for number, image in enumerate(board.flash_images()):
        if number % 7 and image.how not in {"whole", "garbled"}:
            continue
        tried += 1
        again.write_flash(image.octets())
        said = bytearray()
        again.on_octets(lambda _way, octets, _ns, said=said: said.extend(octets))
        again.start()
        wait_for(lambda said=said: b">>> " in said)
        least = max([n for position, n in known if position <= image.position], default=1)
        assert b"boot %d\r\n" % least in said or b"boot %d\r\n" % (least + 1) in said
        again.kill()
    again.close()
    assert tried > 10


def test_a_recording_goes_on_over_power_cuts_and_agrees_with_the_flash(
    new_board: NewBoard, tmp_path: Path
) -> None:
    board = new_board(
        "n = 0\nwhile True:\n    n += 1\n    with open('/f%d' % (n % 7), 'w') as f: f.write(str(n) * 99)"
    )
    board.kill()
    board.record_flash()
    board.install({"/settings.json": b"{}"})
    for _ in range(5):
        board.start()
        board.wait_listening()
        position = board.flash_position
        wait_for(lambda position=position: board.flash_position > position + 5000)
        with pytest.raises(BoardInUse):
            board.write_flash(b"")
        board.kill()
    board.install({"/main.py": b""})  # which carries out what the cut interrupted
    *_, last = board.flash_images()
    assert last.octets() == (tmp_path / "board-1" / "flash.img").read_bytes()
