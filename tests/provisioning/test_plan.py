import json
from types import MappingProxyType

import pytest

from provisioning import plan
from provisioning.application import Application, sha256
from provisioning.board_scripts import NEXT, PLAN, SWITCH, SWITCH_MARK
from provisioning.board_state import Space, Unfit

FILES = {"/main.py": b"main", "/lib/wire/a.mpy": b"a", "/lib/wire/deep/b.mpy": b"b"}
APPLICATION = Application(files=MappingProxyType(FILES), digest="")
ALL_RIGHT = {path: sha256(octets) for path, octets in FILES.items()}


def test_nothing_is_done_where_all_is_right():
    found = plan.make(APPLICATION, {**ALL_RIGHT, "/settings.json": "x"})
    assert found.copy == {}
    assert found.remove == ()
    assert found.keep == tuple(sorted(FILES))


def test_main_py_is_copied_with_any_change_and_moved_last():
    found = plan.make(APPLICATION, {**ALL_RIGHT, "/lib/wire/a.mpy": "other"})
    assert list(found.copy) == [NEXT + "/lib/wire/a.mpy", NEXT + "/main.py", PLAN, SWITCH]
    assert json.loads(found.copy[PLAN]) == {"move": ["/lib/wire/a.mpy"], "remove": []}
    assert found.keep == ("/lib/wire/deep/b.mpy",)


def test_what_the_new_application_does_not_have_is_removed_but_no_settings():
    found = plan.make(APPLICATION, {**ALL_RIGHT, "/lib/wire/a.py": "stale", "/settings.json": "x"})
    assert found.remove == ("/lib/wire/a.py",)
    assert found.move == ()


def test_folders_come_parents_first():
    assert plan.make(APPLICATION, {}).folders == (
        "/next",
        "/next/lib",
        "/next/lib/wire",
        "/next/lib/wire/deep",
    )


def test_the_switch_begins_with_the_mark_that_the_next_run_looks_for():
    assert plan.make(APPLICATION, {}).copy[SWITCH].startswith(SWITCH_MARK.encode())


def test_the_space_needed_counts_files_folders_and_a_reserve():
    found = plan.make(APPLICATION, {})
    needed = 5 + 4 * len(found.folders) + plan.SPARE_BLOCKS
    plan.require_space(found, None, Space(block=4096, free=needed, replaces=True))
    with pytest.raises(Unfit, match="the flash is full"):
        plan.require_space(found, b"{}", Space(block=4096, free=needed, replaces=True))
