"""A new application over the link, into the other slot: kept when it works, else gone back from."""

import hashlib
import json
from dataclasses import replace
from itertools import islice

import pytest

from hil_tests.counts import COUNTED
from provisioning.application import build
from provisioning.package import package
from tests.firmware.flash_cuts import verdict
from tests.firmware.launched import CRASHES, slot_files, with_mistake
from tests.firmware.remote_life import RemoteLife

pytestmark = pytest.mark.timeout(90)
SETTINGS = json.dumps({"groups": [{"name": "all", "sensors": [0, 1], "period_ms": 500, "scans": 2}]}).encode()
WANTED = replace(build(), version="9.9.9")
OTHER_KEYS = """

def load(path):
    raise SettingsError("groups[0].period_ms", "unknown key")
"""
NEVER_LOOKS = "\n\ndef _nothing(self, *_):\n    pass\n\nApp.settle = _nothing\n"
NEVER_HEARD = "\n\ndef _nothing(self, *_):\n    pass\n\nLink._take = _nothing\n"
WHOLE = package(WANTED)
WHOLE_EVERY = 50
BOOTED_EVERY = 1000
FILLED_OCTETS = 1_300_000  # of 2 MiB: room for the package, not for its files


def digest_of(application):
    return hashlib.sha256(application.manifest).digest()


def put_before(octets, left=0):
    """The file that a transfer leaves before the last `left` octets: so a test need not wait for it."""
    return {f"/put-application-{hashlib.sha256(octets).hexdigest()[:16]}": octets[: len(octets) - left]}


@pytest.fixture
def live(tmp_path):
    lives = []

    def live(octets=b"", left=0):
        files = {**build().files, "/settings.json": SETTINGS, **(put_before(octets, left) if octets else {})}
        lives.append(RemoteLife(tmp_path, files))
        lives[-1].piece = 105  # stuffed, a frame of any octets is below 240
        lives[-1].until_good()
        return lives[-1]

    yield live
    for life in lives:
        life.close()


def assert_old_runs(life):
    assert json.loads(life.file("/slot.json")) == {"good": "a", "trial": None}
    assert life.ask("trial", what="application") == ("ok", ["", digest_of(build())])


def test_a_good_one_runs_and_is_kept(live):
    life = live()
    life.try_out("application", WHOLE)
    assert json.loads(life.file("/slot.json")) == {"good": "a", "trial": "b"}
    assert life.until_hello(2).trial == "application"
    life.time.run_for(20)
    assert json.loads(life.file("/slot.json")) == {"good": "b", "trial": None}
    assert life.ask("trial", what="application") == ("ok", ["", digest_of(WANTED)])
    assert life.boots == 2


def test_the_next_one_goes_into_the_slot_that_is_free_now(tmp_path):
    octets = package(build())
    files = {**WANTED.in_slot("b"), **slot_files(WANTED, "a"), "/a/old.mpy": b"x", "/settings.json": SETTINGS}
    life = RemoteLife(tmp_path, {**files, **put_before(octets)})
    life.until_good()
    life.try_out("application", octets)
    life.until_hello(2)
    life.time.run_for(20)
    assert_old_runs(life)
    assert life.file("/a/old.mpy") is None
    life.close()


def test_one_that_crashes_at_import_is_gone_back_from(live):
    octets = package(with_mistake(firmware_app=CRASHES))
    life = live(octets)
    life.try_out("application", octets)
    hello = life.until_hello(2)
    assert hello.trial == ""
    assert "a number too many" in hello.crash
    assert "application on trial in slot b dropped" in life.until_log("dropped")
    life.time.run_for(20)
    assert_old_runs(life)


def test_one_that_cannot_use_the_settings_in_force_is_gone_back_from(live):
    """It would measure something else, with the defaults, and be acknowledged for it."""
    octets = package(with_mistake(firmware_settings=OTHER_KEYS))
    life = live(octets)
    life.try_out("application", octets)
    hello = life.until_hello(2)
    assert (hello.trial, "groups[0].period_ms: unknown key" in hello.crash) == ("", True), hello.crash
    life.time.run_for(20)
    assert_old_runs(life)


def test_one_that_never_gets_an_ack_is_gone_back_from(live):
    octets = package(with_mistake(firmware_link=NEVER_HEARD))
    life = live(octets)
    life.try_out("application", octets, seconds=60)
    assert life.until_hello(2).trial == "application"
    hello = life.until_hello(3)
    assert (hello.trial, life.boots) == ("", 3)
    assert hello.crash.startswith("application on trial dropped")
    life.time.run_for(20)
    assert_old_runs(life)


def test_one_that_neither_proves_itself_nor_goes_back_is_ended_by_the_launcher(live):
    octets = package(with_mistake(firmware_app=NEVER_LOOKS))
    life = live(octets)
    life.try_out("application", octets, seconds=60)
    life.until_hello(2)
    life.time.run_for(100)
    assert json.loads(life.file("/slot.json")) == {"good": "a", "trial": "b"}
    hello = life.until_hello(3)
    assert (hello.trial, life.boots) == ("", 3)
    assert hello.crash.startswith(
        "application on trial dropped: it did not go back in time, in boot 1 after 120 s"
    )
    life.time.run_for(20)
    assert_old_runs(life)


def test_what_was_kept_is_left_alone_when_the_time_of_its_trial_is_over(live):
    life = live(WHOLE)
    life.try_out("application", WHOLE, seconds=60)
    life.time.run_for(200)
    assert (life.boots, life.file("/crash.txt")) == (2, None)
    assert json.loads(life.file("/slot.json")) == {"good": "b", "trial": None}


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"hello" * 20, "this is no application"),
        (
            WHOLE[:3000].replace(b"application 1 6", b"application 1 5"),
            "bytecode 5, this MicroPython loads 6",
        ),
    ],
)
def test_what_is_no_application_for_this_board_is_refused_when_it_is_there(live, octets, reason):
    assert live().put("application", octets) == ("refused", reason)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (WHOLE[:-2000], "ends in the middle of application.json"),
        (WHOLE.replace(b"wire/cbor.mpy", b"../wire/x.mpy"), "has the name ../wire/x.mpy"),
        (WHOLE.replace(b"\x1f", b"\x1e"), "not what its manifest says"),
    ],
    ids=["cut", "name", "file"],
)
def test_a_damaged_one_is_never_tried(live, octets, reason):
    life = live(octets)
    assert life.put("application", octets) == ("ok", len(octets))
    answer = ("more", 0)
    while answer[0] == "more":
        answer = life.ask("try", what="application", seconds=300)
    assert (answer[0], reason in answer[1]) == ("refused", True), answer
    life.time.run_for(10)
    assert life.boots == 1
    assert_old_runs(life)
    assert life.file("/b/wire/fields.mpy") is None  # what was half written takes no flash


def test_without_room_for_its_files_it_is_refused_before_any_of_them(tmp_path):
    filled = {"/old.bin": bytes(FILLED_OCTETS), "/settings.json": SETTINGS}
    life = RemoteLife(tmp_path, {**build().files, **filled, **put_before(WHOLE)})
    life.until_good()
    assert life.put("application", WHOLE) == ("ok", len(WHOLE))
    status, words = life.ask("try", what="application", seconds=300)
    assert (status, words.startswith("flash has "), "this needs " in words) == ("refused", True, True), words
    life.time.run_for(10)
    assert_old_runs(life)
    assert life.file("/b/wire/fields.mpy") is None
    life.close()


def test_a_power_cut_while_it_unpacks_costs_nothing_but_the_unpacking(live):
    life = live(WHOLE)
    assert life.put("application", WHOLE) == ("ok", len(WHOLE))
    for _ in range(20):
        assert life.ask("try", what="application", seconds=300)[0] == "more"
    life.board.power_cut()
    assert life.until_hello(2).trial == ""
    assert life.ask("try", what="application", seconds=300)[0] == "refused"
    before = len(life.gateway.results)
    life.try_out("application", WHOLE)  # it is there already: no chunk goes again
    assert len(life.gateway.results) - before < 100
    life.until_hello(3)
    life.time.run_for(20)
    assert life.ask("trial", what="application") == ("ok", ["", digest_of(WANTED)])


@pytest.mark.timeout(120)
def test_at_a_power_cut_at_any_moment_the_slot_in_force_is_whole(live, record_property):
    """From its last chunks until the new one is kept: what would start is there, octet by octet."""
    life = live(WHOLE, left=5000)
    found = verdict(life.record_trial("application", WHOLE), WHOLE_EVERY)
    record_property(COUNTED, f"{found.cuts} power cuts in an update, {len(found.found)} mistakes")
    settings = hashlib.sha256(SETTINGS).hexdigest()
    assert found.found == []
    assert found.states == [[*slots, settings, None] for slots in (("a", None), ("a", "b"), ("b", None))]
    assert (found.cuts > 5000, found.whole > 100) == (True, True), (found.cuts, found.whole)
    for octets in [image.octets() for image in islice(life.board.flash_images(), 500, None, BOOTED_EVERY)]:
        life.board.write_flash(octets)
        boots = len({hello.boot for hello in life.gateway.hellos})
        life.board.start()
        life.until_hello(boots + 1, 30)
        life.board.kill()
