"""What an earlier start left in RTC memory: a boot to go on with, or records that belong into flash."""

import os

from firmware import board_sleep, kept
from firmware.boot import Boot
from firmware.launch import RTC_OCTETS, SAFE
from firmware.queue import RamQueue


class Left:
    """`boot` is the number of the boot that goes on after deep sleep, None where it is over.

    `ticks` is the clock of this start, which is then to go on, too.
    """

    def __init__(self, ticks, reset_cause: str) -> None:
        self._kept = kept.read(board_sleep.recall())
        self._ticks = ticks
        self._ahead_us = None  # of `ticks`: the clock of the boot that goes on
        self.boot = None
        if self._kept and self._kept.asleep and reset_cause == "deep_sleep":
            now_us = self._kept.ticks_at(board_sleep.rtc_us())
            if now_us is not None:
                self._ahead_us = now_us - ticks.now_us()
                self.boot = self._kept.boot

    def settle(self, root: str, stage: int, boot: Boot, plan) -> Boot:
        """The boot that this is, by what the settings mean now; what is lost goes into `plan.problem`."""
        if self._kept is None:
            return boot
        if self.boot is not None and plan.sleep and plan.hash == self._kept.desc:
            self._ticks.total_us += self._ahead_us
            boot.kept = self._kept
            return boot
        if self.boot is not None:
            boot = Boot(root, os.urandom(2), root + "queue")
        if stage < SAFE:  # else the flash may be why it failed, and RTC memory waits
            lost = self._save((root + "queue", plan.queue_flash_octets, self._kept.desc))
            plan.problem += ", " + lost if lost and plan.problem else lost
            board_sleep.replace(board_sleep.recall()[:RTC_OCTETS])
            boot.left_records = True
        return boot

    def _save(self, place: tuple) -> str:
        """Put the records into flash, but for those that are there; what was lost, in words."""
        queue = RamQueue(self._kept.boot, board_sleep.MEMORY_MOST, place=place if place[1] else None)
        self._kept.give(queue, board_sleep.recall())
        if not queue.octets:
            return ""
        spill = queue.spill()
        if spill.open_flash():
            for stream in queue.streams:
                held = queue.streams[stream]
                saved = queue.flash.next_seq(stream)
                while held.record_seq < saved and len(held.records):
                    queue.octets -= held.forget_oldest()
                held.first_seq = max(held.first_seq, min(saved, held.record_seq))
            spill.save_all()
            queue.flash.close()
        if not queue.octets:
            return ""
        return "records in RTC memory lost: " + (
            "errno " + str(queue.flash_fault) if queue.flash_fault else "no queue in flash"
        )
