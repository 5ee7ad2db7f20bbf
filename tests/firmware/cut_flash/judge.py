"""What would start after a power cut in every operation of a recorded flash, by the launcher's own code.

For MicroPython. Arguments: the recording's base and log, and after how many cuts every octet of the slots
is looked at. Prints JSON: `cuts`; `whole`: how many slots were looked at so; `found`: sentences about what
is wrong; `states`, one after another: [slot in force, on trial, digest of settings.json, of settings.new].
"""

import json
import os
import sys
from binascii import hexlify

import vfs
from flash_log import images

from firmware import launch, settings

ROOT = "/cut/"
GEOMETRY = {"readsize": 32, "progsize": 32, "lookahead": 32}  # the ESP32's
FOUND_MOST = 10


def digest(name):
    try:
        return hexlify(launch.digest(ROOT + name, bytearray(512))).decode()
    except OSError:
        return None


def problem(name):
    try:
        settings.load(ROOT + name)
    except settings.SettingsError as error:
        return str(error)
    return ""


def octets_of(path):
    with open(path, "rb") as file:  # noqa: PTH123 - MicroPython
        return file.read()


class Judge:
    def __init__(self, whole_every):
        self.cuts = self.whole = 0
        self.found = []
        self.states = []
        self._whole_every = whole_every

    def look(self, image):
        self.cuts += 1
        try:
            vfs.mount(vfs.VfsLfs2(image, **GEOMETRY), ROOT[:-1])
        except OSError as error:
            self.found.append("no file system: " + repr(error))
            return
        try:
            self._look()
        finally:
            os.chdir("/")
            vfs.umount(ROOT[:-1])

    def _look(self):
        good, trial = launch.slots(ROOT)
        state = [good, trial, digest("settings.json"), digest("settings.new")]
        is_new = self.states[-1:] != [state]
        if is_new:
            self.states.append(state)
        for name in ("settings.json", "settings.new"):
            if problem(name):
                self.found.append(problem(name))
        if is_new or self.cuts % self._whole_every == 0:
            for slot in (good, trial):
                if slot:
                    self.whole += 1
                    if not launch.whole(slot, ROOT):
                        self.found.append("slot " + slot + " is not whole")


def main():
    base, log, whole_every = sys.argv[1:]
    judge = Judge(int(whole_every))
    for image in images(bytearray(octets_of(base)), octets_of(log)):
        before = len(judge.found)
        judge.look(image)
        for at in range(before, len(judge.found)):
            judge.found[at] += " at " + str(image.position) + ", " + image.how
        if len(judge.found) > FOUND_MOST:
            break
    print(
        json.dumps({"cuts": judge.cuts, "whole": judge.whole, "found": judge.found, "states": judge.states})
    )


main()
