"""The parts of a node, made once; this module and all that only it needs are then let go."""

import gc
import os
import sys
import time

from firmware import VERSION, board, modules
from firmware.clock import Ticks
from firmware.heart import Heart
from firmware.launch import SAFE
from firmware.link import Link
from firmware.pages import heap_has_room
from firmware.queue import RamQueue
from firmware.sampler import Sampler
from wire.cbor import Encoder
from wire.compat import const
from wire.fields import MESSAGE_OCTETS
from wire.node_session import NodeSession
from wire.up_node import Hello

_NONCE_OCTETS = const(8)
# What firmware.plan has not let go itself.
_MODULES = (
    "firmware.boot",
    "firmware.description",
    "firmware.settings_error",
    "firmware.resume",
    "firmware.kept",
    "firmware.board_sleep",
    "firmware.board_start",
    "firmware.plan",
    "firmware.launch",
    "wire.up",
)


class Parts:
    """What firmware.app.App is made of; `problems` are texts for its log, or empty.

    `stage`, `trying` and `note` are those of App; `describe` is NodeSession's, `obey` Link's,
    `on_hung` Heart's.
    """

    def __init__(self, root: str, stage: int, trying: str, note: str, describe, obey, on_hung) -> None:
        self.ticks = Ticks(time.ticks_us, time.ticks_add(0, -1))
        self.encoder = Encoder(MESSAGE_OCTETS)
        boot, plan, reset_cause, trial, self.trial_s = _look_around(root, stage, trying, self.ticks)
        gc.collect()  # what is made from here on stays: it is to lie low in the heap
        keeps = plan.queue_flash_octets and stage < SAFE  # what lies there may be why it failed
        place = (root + "queue", plan.queue_flash_octets, plan.hash) if keeps else None
        if plan.sleep:  # no reserve is worth more than what was measured before, and its few pages
            self.queue = RamQueue(boot.number, plan.queue_octets, place=place)
        else:
            self.queue = RamQueue(boot.number, plan.queue_octets, heap_has_room, place)
        if boot.left_records and stage < SAFE and not plan.sleep:
            self.queue.spill().open_flash()
        self.hello = _hello(boot, plan.hash, reset_cause)
        self.hello.trial = trial
        self.describe = plan.describe
        self.session = NodeSession(self.hello, describe, self.queue, board.random_below, self.encoder)
        self.heart = Heart(len(plan.groups), on_hung)
        self.link = Link(plan.port, self.session, self.ticks, obey, self.heart)
        self.samplers = [self._sampler(at, plan) for at in range(len(plan.groups))]
        self.health_ms = plan.health_ms
        self.sleeper = None
        if plan.sleep:
            from firmware.sleeper import Sleeper  # noqa: PLC0415 - most nodes save it

            self.sleeper = Sleeper(self, plan, boot)
        self.problems = (note, plan.problem, plan.remark, "" if boot.stored else "boot count not stored")

    def _sampler(self, at: int, plan) -> object:
        group = plan.groups[at]
        sensors = [plan.sensors[index] for index in group["sensors"]]
        kind = Sampler
        if plan.sleep:
            from firmware.one_scan import OneScan  # noqa: PLC0415 - most nodes save it

            kind = OneScan
        elif group["sps"]:
            from firmware.waveform import Waveform  # noqa: PLC0415 - 4 KB that most nodes save

            kind = Waveform
        return kind(at, group, sensors, self.ticks, self.queue, self.encoder, self.link.wake, self.heart)


def _look_around(root: str, stage: int, trying: str, ticks) -> tuple:
    # Imported here, and let go before the rest is made: else its place would stay a hole in between.
    from firmware import board_start, description  # noqa: PLC0415
    from firmware.boot import Boot  # noqa: PLC0415
    from firmware.plan import Plan  # noqa: PLC0415

    reset_cause = board_start.reset_cause()
    left = None
    if reset_cause != "power_on":  # RTC memory does not outlive that, a brown-out or EN
        from firmware.resume import Left  # noqa: PLC0415 - see above

        left = Left(ticks, reset_cause)
    boot = Boot(root, os.urandom(2), root + "queue", left and left.boot)
    plan = Plan(root, stage)
    if description.keep(root + "describe", plan.describe):
        plan.describe = None
    if trying and plan.problem:  # with the defaults it would measure something else, and be kept for it
        raise ValueError(trying + " on trial: " + plan.problem)
    if left:
        boot = left.settle(root, stage, boot, plan)
    trial = "settings" if plan.on_trial else trying
    trial_s = 0
    if trial:
        from firmware import launch  # noqa: PLC0415 - most starts have none, and its names would stay

        trial_s = launch.trial_s(root)
    found = (boot, modules.Plain(plan), reset_cause, trial, trial_s)
    modules.forget(_MODULES)
    return found


def _hello(boot, descriptor: bytes, reset_cause: str) -> Hello:
    version = ".".join([str(number) for number in sys.implementation[1][:3]])
    return Hello(
        board.uid(),
        boot.number,
        0,
        "fieldgate " + VERSION + ", micropython " + version,
        descriptor,
        reset_cause,
        [],
        MESSAGE_OCTETS,
        bytes(_NONCE_OCTETS),
        crash=boot.crash,
    )


def forget() -> None:
    """Give back the memory of this module; keep no Parts either."""
    modules.forget(("firmware.start", "firmware.modules"))
