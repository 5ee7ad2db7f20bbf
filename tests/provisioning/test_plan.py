import json
from types import MappingProxyType

import pytest

from provisioning import plan
from provisioning.application import Application, sha256
from provisioning.board_scripts import NEXT, PLAN, SWITCH, SWITCH_MARK
from provisioning.board_state import Space, Unfit

APPLICATION = Application(
    launcher=MappingProxyType({"/main.py": b"main", "/launch.mpy": b"launch"}),
    modules=MappingProxyType({"wire/a.mpy": b"a", "wire/deep/b.mpy": b"b"}),
)
FILES = APPLICATION.in_slot("b")
ALL_RIGHT = {path: sha256(octets) for path, octets in FILES.items()}


def test_nothing_is_done_where_all_is_right():
    found = plan.make(APPLICATION, "b", {**ALL_RIGHT, "/settings.json": "x"})
    assert found.copy == {}
    assert found.remove == ()
    assert found.keep == tuple(sorted(FILES))


def test_main_py_is_copied_with_any_change_and_moved_last():
    found = plan.make(APPLICATION, "b", {**ALL_RIGHT, "/b/wire/a.mpy": "other"})
    assert list(found.copy) == [NEXT + "/b/wire/a.mpy", NEXT + "/main.py", PLAN, SWITCH]
    assert json.loads(found.copy[PLAN]) == {"move": ["/b/wire/a.mpy"], "remove": []}
    assert found.keep == ("/b/application.json", "/b/wire/deep/b.mpy", "/launch.mpy", "/slot.json")


def test_what_the_new_application_does_not_have_is_removed_but_no_settings():
    found = plan.make(APPLICATION, "b", {**ALL_RIGHT, "/b/wire/a.py": "stale", "/settings.json": "x"})
    assert found.remove == ("/b/wire/a.py",)
    assert found.move == ()


def test_folders_come_parents_first():
    assert plan.make(APPLICATION, "b", {}).folders == (
        "/next",
        "/next/b",
        "/next/b/wire",
        "/next/b/wire/deep",
    )


def test_the_switch_begins_with_the_mark_that_the_next_run_looks_for():
    assert plan.make(APPLICATION, "b", {}).copy[SWITCH].startswith(SWITCH_MARK.encode())


def test_the_space_needed_counts_files_folders_and_a_reserve():
    found = plan.make(APPLICATION, "b", {})
    needed = 8 + 4 * len(found.folders) + plan.SPARE_BLOCKS
    plan.require_space(found, None, Space(block=4096, free=needed, replaces=True))
    with pytest.raises(Unfit, match="the flash is full"):
        plan.require_space(found, b"{}", Space(block=4096, free=needed, replaces=True))


def test_what_was_there_before_there_were_slots_is_removed():
    found = plan.make(
        APPLICATION, "a", {"/main.py": "old", "/lib/wire/a.mpy": "old", "/lib/firmware/app.mpy": "old"}
    )
    assert found.remove == ("/lib/firmware/app.mpy", "/lib/wire/a.mpy")
    assert "/a/wire/a.mpy" in found.move


def test_another_slot_in_force_is_another_place_for_the_same_files():
    assert plan.make(APPLICATION, "b", ALL_RIGHT).copy == {}
    assert "/a/wire/a.mpy" in plan.make(APPLICATION, "a", ALL_RIGHT).move
