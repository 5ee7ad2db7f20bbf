"""What the tool lets the board run. MicroPython 1.22 or newer, on an ESP32 that it has not prepared.

Layout during an installation: everything new is below NEXT, with PLAN, the list of what to move and
remove. The board's application changes at one rename only: when SWITCH becomes /main.py. From there
on each start of the board carries on with the plan until it is done, and the last thing it does is
to put the new /main.py in SWITCH's place. Every step may be repeated; so power may fail anywhere.
"""

NEXT = "/next"
PLAN = "/next/plan.json"
SWITCH = "/next/switch.py"
SWITCH_MARK = "# fieldgate: carries on with an installation that was cut short."

# Prints what the tool must know, as one literal: {"files": {path: sha256, ...}, ...}. Piece by piece:
# the text of the whole would be the largest thing in a board's memory.
INSPECT = f"""
import hashlib, json, os, sys

def inspect_digest(path, buffer):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        count = file.readinto(buffer)
        while count:
            digest.update(memoryview(buffer)[:count])
            count = file.readinto(buffer)
    return "".join(["%02x" % octet for octet in digest.digest()])

def inspect_file(path, buffer):
    print(repr(path), ":", repr(inspect_digest(path, buffer)), ",")

def inspect_tree(path, buffer):
    try:
        entries = list(os.ilistdir(path))
    except OSError:
        return
    for entry in entries:
        inside = path + "/" + entry[0]
        if entry[1] & 0x4000:
            inspect_tree(inside, buffer)
        else:
            inspect_file(inside, buffer)

def inspect_slot():
    try:
        with open("/slot.json") as file:
            return "b" if json.load(file)["good"] == "b" else "a"
    except (OSError, ValueError, KeyError, TypeError):
        return "a"

def inspect():
    buffer = bytearray(512)
    slot = inspect_slot()
    root = {{entry[0]: entry[1] for entry in os.ilistdir("/")}}
    print("{{'files': {{")
    for folder in ("/lib/wire", "/lib/drivers", "/lib/firmware", "/" + slot):  # /lib: before there were slots
        inspect_tree(folder, buffer)
    for name in ("main.py", "launch.mpy", "slot.json", "settings.json"):
        if root.get(name) == 0x8000:
            inspect_file("/" + name, buffer)
    print("}}")
    switching = False
    if root.get("main.py") == 0x8000:
        with open("/main.py", "rb") as file:
            switching = file.read({len(SWITCH_MARK)}) == {SWITCH_MARK.encode()!r}
    implementation = sys.implementation
    for name, value in (
        ("name", implementation.name),
        ("version", tuple(implementation.version[:3])),
        ("mpy", getattr(implementation, "_mpy", 0) & 0xFF),
        ("board", getattr(implementation, "_machine", sys.platform)),
        ("root", sorted(root)),
        ("switching", switching),
        ("slot", slot),
    ):
        print(",", repr(name), ":", repr(value))
    print("}}")

inspect()
"""

# Removes what an installation that was cut short has left, tries the file system, prints what is free.
CLEAR = f"""
import os

def clear(path):
    for entry in list(os.ilistdir(path)):
        inside = path + "/" + entry[0]
        if entry[1] & 0x4000:
            clear(inside)
        else:
            os.remove(inside)
    os.rmdir(path)

def clear_next():
    try:
        os.stat({NEXT!r})
    except OSError:
        pass
    else:
        clear({NEXT!r})
    numbers = os.statvfs("/")
    replaces = True
    if numbers[3] > 4:
        os.mkdir({NEXT!r})
        for name in ({NEXT + "/a"!r}, {NEXT + "/b"!r}):
            with open(name, "w") as file:
                file.write("x")
        try:
            os.rename({NEXT + "/a"!r}, {NEXT + "/b"!r})
        except OSError:
            replaces = False
        clear({NEXT!r})
        numbers = os.statvfs("/")
    print(repr({{"replaces": replaces, "block": numbers[1] or numbers[0], "free": numbers[3]}}))

clear_next()
"""

# Prints {path: sha256} of everything below NEXT. INSPECT has run before.
DIGESTS = f"""
print("{{")
inspect_tree({NEXT!r}, bytearray(512))
print("}}")
"""

# Carries out the plan. Works on a board where nothing of ours is whole but this.
FINISH = f"""
import json, os

def finish_is(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False

def finish_move(path):
    if not finish_is({NEXT!r} + path):
        return  # moved before the power failed
    parts = path.split("/")
    for at in range(2, len(parts)):
        folder = "/".join(parts[:at])
        if not finish_is(folder):
            os.mkdir(folder)
    os.rename({NEXT!r} + path, path)

def finish():
    with open({PLAN!r}) as file:
        plan = json.load(file)
    for path in plan["move"]:
        finish_move(path)
    for path in plan["remove"]:
        if finish_is(path):
            os.remove(path)
        while "/" in path[1:]:
            path = path[:path.rindex("/")]
            try:
                os.rmdir(path)
            except OSError:
                if finish_is(path):
                    break  # something else is in it
    finish_move("/main.py")  # the last: until here a start of the board begins this again

finish()
"""

# SWITCH's text, /main.py for as long as the plan is not carried out.
SWITCH_TEXT = f"""{SWITCH_MARK}
{FINISH}
import machine

machine.reset()
"""

# Makes the staged switch the board's application: the one moment at which old becomes new.
COMMIT = f"""
import os

os.rename({SWITCH!r}, "/main.py")
"""

# Prints what the firmware installed in a slot has against a settings file, "" if nothing.
CHECK_SETTINGS = """
import sys

sys.path.insert(0, "/%s")
for name in list(sys.modules):
    if name.split(".")[0] in ("wire", "drivers", "firmware"):
        del sys.modules[name]

def check_settings(path):
    from firmware import settings
    try:
        settings.load(path)
    except settings.SettingsError as error:
        return str(error)
    return ""

print(repr(check_settings(%r)))
"""

# What was on trial is not any more, and the board's failures are forgotten: somebody has seen to it.
START_AFRESH = """
import machine, os

for name in ("/settings.new", "/failed"):
    try:
        os.remove(name)
    except OSError:
        pass
machine.RTC().memory(bytes(8) + b"\\xa5" + bytes(7) + machine.RTC().memory()[16:])
"""

RENAME = """
import os

os.rename(%r, %r)
"""
