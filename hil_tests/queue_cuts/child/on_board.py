"""What test_queue_cuts.py runs on MicroPython: lives, then the same lives with a power cut in each operation.

Its argument is JSON: {"seeds": [1, 2], "steps": 40, "mistake": ""}; it prints JSON: how many cuts there were
and what was wrong. A `mistake` is a node that the judge has to find.
"""

import gc
import io
import json
import os
import random
import sys

import vfs
from flash_log import BLOCK_OCTETS, Image, Recorder, images

from firmware import spill
import mistaken
from judge import Truth, mistakes
from life import ROOT, Life, Marks, live, new_queue

BLOCKS = 40
GEOMETRY = {"readsize": 32, "progsize": 32, "lookahead": 32}  # the ESP32's
FOUND_MOST = 10
AFTER = 0xFFFF << 16  # the boot after the cut: later than any before
AFTER_THE_CUT = ("two_identities",)  # mistakes of the node that starts again, not of the one that was cut
AGAIN_EVERY = 8  # after so many cuts what the start writes is cut, too
WORK_EVERY = 64  # after so many cuts one node goes on working


class Flash(Recorder):
    """A recorded flash; its file system is at ROOT while it is mounted."""

    def __init__(self, image):
        self.log = io.BytesIO()
        super().__init__(image, self.log)

    def mount(self):
        """Raises OSError where there is no file system."""
        vfs.mount(vfs.VfsLfs2(self, **GEOMETRY), ROOT)

    def unmount(self):
        """Nothing is written by that."""
        os.chdir("/")
        vfs.umount(ROOT)


class Replay:
    """One life on its flash, and what was found wrong with it."""

    def __init__(self, seed, wish):
        self.cuts = 0
        self.found = []
        self._seed = seed
        self._mistake = wish["mistake"]
        random.seed(seed)
        image = Image(bytes(BLOCKS * BLOCK_OCTETS))
        vfs.VfsLfs2.mkfs(image, **GEOMETRY)
        self._begun = bytearray(image.octets())
        flash = Flash(image)
        flash.mount()
        self._marks = Marks()
        with mistaken.made("" if self._mistake in AFTER_THE_CUT else self._mistake):
            live(Life(flash, self._marks), wish["steps"])
        flash.unmount()
        self._log = flash.log.getvalue()

    def run(self):
        """Cut each operation in every way."""
        truth = Truth(self._marks)
        for image in images(self._begun, self._log):
            truth.forward(image.position)
            nested = self.cuts % AGAIN_EVERY == 0
            self._judge(image, truth, "seed %d, at %d, %s" % (self._seed, image.position, image.how), nested)
            if len(self.found) >= (1 if self._mistake else FOUND_MOST):
                return

    def _judge(self, image, truth, where, nested):
        self.cuts += 1
        flash = Flash(Image(image.octets()) if nested else image)
        try:
            flash.mount()
        except OSError as error:
            self.found.append(where + ": no file system, " + str(error))
            return
        try:
            with mistaken.made(self._mistake if self._mistake in AFTER_THE_CUT else ""):
                queue = new_queue(AFTER)
                self.found += [where + ": " + each for each in mistakes(queue, truth)]
                log = flash.log.getvalue()
                if self.cuts % WORK_EVERY == 0:
                    self._work(flash, queue, truth, where)
        except Exception as error:
            sys.print_exception(error, sys.stderr)
            self.found.append(where + ": " + repr(error))
            return
        finally:
            flash.unmount()
        if nested and log:
            for again in images(bytearray(image.octets()), log):
                self._judge(again, truth, where + ", again " + again.how, False)

    def _work(self, flash, queue, truth, where):
        """It still takes records, and hands over all it has."""
        life = Life(flash, Marks())
        life.queue = queue
        life.committed = dict(truth.committed)
        life.make(1, 40)
        life.outage()
        life.make(1, 40)
        life.make(0, 2)
        for _ in range(40):
            life.deliver(1000)
        left = [each for each in queue.held() if each[2] != each[3]]
        if left or queue.flash:
            self.found.append("%s: left over: %s" % (where, left))


def main():
    wish = json.loads(sys.argv[1])
    spill.MODULES = ()  # they stay, and a mistake in them stays, too
    cuts = 0
    found = []
    for seed in wish["seeds"]:
        replay = Replay(seed, wish)
        replay.run()
        cuts += replay.cuts
        found += replay.found
        gc.collect()
    print(json.dumps({"cuts": cuts, "found": found[:FOUND_MOST]}))


main()
