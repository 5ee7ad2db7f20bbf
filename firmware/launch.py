# Over 300 lines because what must work while the slots are broken is one file, /launch.mpy.
"""What outlives a start: how many starts failed, which application and which settings are on trial.

It stands twice on a node: as /launch.mpy for the launcher, which must work while the slots are broken,
and in each slot for the application. So it imports nothing of ours. docs/architecture.md has who
calls what.
"""

import json
import os
import sys
import time
from binascii import crc32, hexlify
from hashlib import sha256

import machine
from micropython import const  # wire.compat may be in a slot that is broken

# Stages, and how many starts in a row failed when each begins.
SETTINGS = const(1)  # settings on trial are dropped
APPLICATION = const(2)  # an application on trial is dropped; a broken slot is left for a whole one
OBLIGATORY = const(3)  # without the sensors that the settings call optional
SAFE = const(4)  # without sensors: link, logs, settings, update
_FAILED_AT = const((3, 5, 7, 9))
_SAFE_AT = const(9)
_FAILED_MOST = const(11)  # safe mode itself failed twice: the other slot's turn

# The launcher's share of RTC memory, from its beginning: the count, an octet that is PLANNED, the rest zero.
RTC_OCTETS = const(16)
_COUNT_OCTETS = const(8)  # magic, count, zero, CRC-32 of these four
_READ_OCTETS = const(16)  # of a file with a count
_MAGIC = const(b"fg")
_PLANNED = const(0xA5)
_FAILED = const("failed")  # the same eight octets in a file
_CRASH = const("crash.txt")
_PAUSE_S = const(5)
_LONG_PAUSE_S = const(50)  # where even safe mode crashes: spares the flash; below the watchdog's time
_REPL_MS = const(3600000)  # a node that somebody left in the REPL measures again after this
_SLOT = const("slot.json")
_TRIAL = const("settings.new")
_TRIAL_S = const(300)
_GUARD_S = const(60)  # that an application on trial has beyond it to go back by itself
_MANIFEST = const("/application.json")
_NEW = const(".new")
_DIGEST_DIGITS = const(64)
BUFFER_OCTETS = const(512)  # a file is read by so many


def begin() -> "tuple[int, str, str, str]":
    """Count this start and take the steps that are due.

    Gives the stage, the slot to run, "application" if that is on trial, and what is to be told.
    """
    failed = _count()
    stage = sum([failed >= at for at in _FAILED_AT])
    notes = []
    if stage >= SETTINGS and drop_settings():
        notes.append("settings on trial dropped")
    good, trial = slots()
    if stage >= APPLICATION:
        if trial:
            _choose("/", good, None)
            notes.append("application on trial in slot " + trial + " dropped")
            trial = None
        elif not whole(good) and whole(other(good)):
            notes.append("slot " + good + " is broken")
            good = other(good)
            _choose("/", good, None)
    if failed == _FAILED_MOST and whole(other(good)):
        notes.append("slot " + good + " fails even in safe mode")
        good = other(good)
        _choose("/", good, None)
        _write("/" + _FAILED, _counted(_SAFE_AT))
        _store(_counted(_SAFE_AT), b"")
    if stage == OBLIGATORY:
        notes.append("no optional sensors")
    elif stage == SAFE:
        notes.append("safe mode, no sensors, all of them again in an hour")
    if stage:
        notes.append(str(failed) + " starts failed")
    if trial:
        # Going back must not depend on what is on trial.
        period_ms = (trial_s("/") + _GUARD_S) * 1000
        machine.Timer(1).init(mode=machine.Timer.ONE_SHOT, period=period_ms, callback=_guard)
    return stage, trial or good, "application" if trial else "", ", ".join(notes)


def _guard(timer) -> None:
    timer.deinit()
    if slots()[1]:
        record("application on trial dropped: it did not go back in time,", time.ticks_ms() // 1000)
        drop_application()
        planned()
        machine.reset()


def good(root: str, settings_on_trial: bool) -> None:
    """This boot is good: nothing failed any more, and what it runs on trial stays."""
    again(root)
    trial = slots(root)[1]
    if trial and sys.path[0] == "/" + trial:
        _choose(root, trial, None)
    if settings_on_trial:
        os.rename(root + _TRIAL, root + "settings.json")


def try_settings(root: str, path: str) -> None:
    """Let the next start use the settings in the file at `path`, on trial."""
    again(root)
    os.rename(path, root + _TRIAL)


def again(root: str = "/") -> None:
    """Count from the beginning: what failed so far says nothing about what is tried next."""
    _store(bytes(_COUNT_OCTETS), _memory()[_COUNT_OCTETS : _COUNT_OCTETS + 1])
    _remove(root + _FAILED)


def planned() -> None:
    """The reset that follows is wanted: it does not count as a failure."""
    _store(_memory()[:_COUNT_OCTETS], bytes([_PLANNED]))


def record(cause: str, up_s: int, error: "Exception | None" = None, root: str = "/") -> None:
    """Keep why this boot ends: one line, then the traceback. Never raises."""
    boot = _read(root + "boot_count").strip() or b"unknown"
    try:
        with open(root + _CRASH + _NEW, "w") as file:
            file.write(cause + " in boot " + boot.decode() + " after " + str(up_s) + " s\n")
            if error:
                sys.print_exception(error, file)
        os.rename(root + _CRASH + _NEW, root + _CRASH)
    except Exception as fault:  # noqa: BLE001 - a full or broken file system: the console has it
        sys.print_exception(fault)


def forget(root: str = "/") -> None:
    """No record is kept any more: a gateway knows it, or it was of no end."""
    _remove(root + _CRASH)


def pause(stage: int) -> None:
    """Time for a technician's Ctrl-C before the board starts again after a crash."""
    machine.Timer(0).deinit()  # the heart's: what it watches has ended
    time.sleep(_LONG_PAUSE_S if stage == SAFE else _PAUSE_S)


def let_in() -> None:
    """A technician is in the REPL: nothing resets the board for an hour, and what does is no failure."""
    # A watchdog cannot be stopped, and a soft reset stops timers that would feed it: it gets time instead.
    machine.WDT(timeout=_REPL_MS)
    for number in (0, 1):
        machine.Timer(number).deinit()
    planned()


def slots(root: str = "/") -> "tuple[str, str | None]":
    """The slot that is known to be good, and the one on trial or None."""
    try:
        with open(root + _SLOT) as file:
            chosen = json.load(file)
        if chosen["good"] in ("a", "b") and chosen["trial"] in (None, other(chosen["good"])):
            return chosen["good"], chosen["trial"]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    # Lost or damaged. The manifest is a slot's last file, so a half written one has none.
    return "b" if _is(root + "b" + _MANIFEST) and not _is(root + "a" + _MANIFEST) else "a", None


def other(slot: str) -> str:
    """The other slot: while nothing is on trial, the one that a new application is written to."""
    return "b" if slot == "a" else "a"


def try_application(root: str = "/") -> None:
    """Let the next start run the slot that is not in force, on trial."""
    again(root)
    good, _ = slots(root)
    _choose(root, good, other(good))


def overdue(root: str, what: str, up_s: int, queue) -> None:
    """Go back from what is on trial, "settings" or "application": this boot had its time for it.

    What is in the RAM of `queue` goes to flash.
    """
    record(what + " on trial dropped: no value and no acknowledgement in time,", up_s, None, root)
    if what == "settings":
        drop_settings(root)
    else:
        drop_application(root)
    restart(queue)


def restart(queue) -> None:
    """Reset as it was planned. What is in RAM goes to flash, as far as there is memory and flash for it."""
    try:
        if queue.octets:
            queue.spill().save_all()
    except Exception as fault:  # noqa: BLE001 - a node that stays as it is would be worse
        sys.print_exception(fault)
    planned()
    machine.reset()


def trial_s(root: str) -> int:
    """How long a boot may take to prove what is on trial."""
    try:
        with open(root + "trial_s") as file:
            return int(file.read(5))
    except (OSError, ValueError):
        return _TRIAL_S


def drop_application(root: str = "/") -> None:
    """Nothing is on trial in the slots any more."""
    _choose(root, slots(root)[0], None)


def drop_settings(root: str = "/") -> bool:
    """The settings on trial are gone; False if there were none."""
    return _remove(root + _TRIAL)


def whole(slot: str, root: str = "/") -> bool:
    """Every file that the slot's application.json names is there, octet by octet."""
    buffer = bytearray(BUFFER_OCTETS)
    line = ""
    try:
        with open(root + slot + _MANIFEST) as file:
            for line in file:
                parts = line.split('"')  # a line for each file: indent, path, colon, digest, comma
                if len(parts) != 5 or len(parts[3]) != _DIGEST_DIGITS:
                    continue
                if hexlify(digest(root + slot + "/" + parts[1], buffer)).decode() != parts[3]:
                    return False
    except (OSError, ValueError):  # ValueError: no text
        return False
    return line == "}\n"  # or the manifest itself is cut short


def digest(path: str, buffer: bytearray) -> bytes:
    """SHA-256 of a file, read by way of the buffer. Raises OSError."""
    found = sha256()
    with open(path, "rb") as file:
        count = file.readinto(buffer)
        while count:
            found.update(memoryview(buffer)[:count])
            count = file.readinto(buffer)
    return found.digest()


def _count() -> int:
    # What counts is how the start before this one ended. A watchdog, machine.reset() and a panic end an
    # application that failed, unless it said that a reset was planned. A loss of power, a brown-out and
    # the EN button (all the same to an ESP32) say nothing about it, deep sleep and soft reset are wanted.
    memory = _memory()
    failed = _failed_in(memory)
    if failed is None:
        failed = _failed_in(_read("/" + _FAILED)) or 0
    if (
        machine.reset_cause() in (machine.HARD_RESET, machine.WDT_RESET)
        and memory[_COUNT_OCTETS : _COUNT_OCTETS + 1] != bytes([_PLANNED])
        and failed < _FAILED_MOST
    ):
        failed += 1
        _write("/" + _FAILED, _counted(failed))
    _store(_counted(failed), b"")
    return failed


def _failed_in(octets: bytes) -> "int | None":
    if len(octets) >= _COUNT_OCTETS and octets[:_COUNT_OCTETS] == _counted(octets[2]):
        return min(octets[2], _FAILED_MOST)
    return None


def _counted(failed: int) -> bytes:
    head = _MAGIC + bytes([failed, 0])
    return head + crc32(head).to_bytes(4, "big")


def _memory() -> bytes:
    return machine.RTC().memory()


def _store(count: bytes, planned: bytes) -> None:
    head = count + bytes(_COUNT_OCTETS - len(count)) + planned
    machine.RTC().memory(head + bytes(RTC_OCTETS - len(head)) + _memory()[RTC_OCTETS:])


def _choose(root: str, good: str, trial: "str | None") -> None:
    quoted = '"' + trial + '"' if trial else "null"
    _write(root + _SLOT, ('{"good": "' + good + '", "trial": ' + quoted + "}\n").encode())


def _is(path: str) -> bool:
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_READ_OCTETS)
    except OSError:
        return b""


def _write(path: str, octets: bytes) -> None:
    # At a power cut the old file or the new one is there, whole. A flash that takes nothing stops no start.
    try:
        with open(path + _NEW, "wb") as file:
            file.write(octets)
        os.rename(path + _NEW, path)
    except OSError:
        pass


def _remove(path: str) -> bool:
    try:
        os.remove(path)
    except OSError:
        return False
    return True
