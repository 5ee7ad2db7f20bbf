"""The installation's own scripts on the real MicroPython and LittleFS, cut at every write."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from hil_tests.interpreters import micropython
from provisioning import board_scripts, plan
from provisioning.application import Application, sha256

SCRIPT = Path(__file__).parent / "standin" / "power_cuts.py"
OLD = {
    "/main.py": "version = 1\n",
    "/lib/wire/framing.py": "a source that would be taken before the .mpy beside it\n",
    "/lib/wire/same.mpy": "the same in both\n" * 40,
    "/lib/firmware/app.mpy": "old " * 700,
    "/lib/drivers/gone.mpy": "only in the old one",
    "/settings.json": "{}",
}
SETTINGS = {"/settings.json": "{}"}
NEW = {  # a board from before there were slots gets one
    "/main.py": "version = 2\n",
    "/a/wire/framing.mpy": "new " * 1200,
    "/a/firmware/app.mpy": "new" * 1500,
    "/a/firmware/more/deep.mpy": "in a new folder",
}


@pytest.fixture(scope="module")
def cuts(tmp_path_factory):
    modules = {path[3:]: text.encode() for path, text in NEW.items() if path.startswith("/a/")}
    application = Application(launcher={"/main.py": NEW["/main.py"].encode()}, modules=modules)
    todo = plan.make(application, "a", {path: sha256(text.encode()) for path, text in OLD.items()})
    case = {
        "scripts": {
            name: getattr(board_scripts, name) for name in ("INSPECT", "CLEAR", "DIGESTS", "COMMIT", "FINISH")
        },
        "mark": board_scripts.SWITCH_MARK,
        "old": OLD,
        "new": {**{path: octets.decode() for path, octets in application.files.items()}, **SETTINGS},
        "folders": todo.folders,
        "copy": [[path, octets.decode()] for path, octets in todo.copy.items()],
    }
    path = tmp_path_factory.mktemp("case") / "case.json"
    path.write_text(json.dumps(case))
    done = subprocess.run(
        [micropython(), "-X", "heapsize=16m", SCRIPT],
        env={**os.environ, "FIELDGATE_CASE": str(path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.timeout(60)
def test_a_cut_after_any_write_leaves_the_old_or_the_new_application(cuts):
    assert set(cuts["first"]) == {"old", "new"}
    assert cuts["writes"] > 100


@pytest.mark.timeout(60)
def test_the_change_from_old_to_new_happens_once(cuts):
    changes = [at for at in range(1, len(cuts["first"])) if cuts["first"][at] != cuts["first"][at - 1]]
    assert len(changes) == 1


@pytest.mark.timeout(60)
def test_a_second_cut_while_the_switch_works_leaves_the_new_application(cuts):
    assert set(cuts["second"]) == {"new"}
    assert len(cuts["second"]) > 100


@pytest.mark.timeout(60)
def test_after_any_cut_the_next_installation_succeeds(cuts):
    assert cuts["repaired"] == cuts["writes"]
