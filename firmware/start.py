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
from wire.cbor import Encoder
from wire.compat import const
from wire.fields import MESSAGE_OCTETS
from wire.node_session import NodeSession
from wire.up_node import Hello

_NONCE_OCTETS = const(8)
# Of these 12 KB of a heap of 100 nothing is needed afterwards.
_MODULES = (
    "firmware.boot",
    "firmware.resume",
    "firmware.kept",
    "firmware.board_sleep",
    "firmware.sleep_settings",
    "firmware.settings",
    "firmware.sensor_settings",
    "firmware.group_settings",
    "firmware.link_settings",
    "firmware.kinds",
    "firmware.descriptor",
    "firmware.wiring",
    "firmware.board_buses",
    "firmware.board_start",
    "firmware.ports",
    "firmware.plan",
    "firmware.launch",
    "firmware.reduced",
    "wire.up",
    "wire.floats",
)


class Parts:
    """What firmware.app.App is made of; `problems` are texts for its log, or empty.

    `stage`, `trying` and `note` are those of App; `obey` is Link's, `on_hung` is Heart's.
    """

    def __init__(self, root: str, stage: int, trying: str, note: str, obey, on_hung) -> None:
        self.ticks = Ticks(time.ticks_us, time.ticks_add(0, -1))
        self.encoder = Encoder(MESSAGE_OCTETS)
        boot, plan, reset_cause, trial, self.trial_s = _look_around(root, stage, trying, self.ticks)
        gc.collect()  # what is made from here on stays: it is to lie low in the heap
        keeps = plan.queue_flash_octets and stage < SAFE  # what lies there may be why it failed
        place = (root + "queue", plan.queue_flash_octets, plan.hash) if keeps else None
        self.queue = RamQueue(boot.number, plan.queue_octets, heap_has_room, place)
        if boot.left_records and stage < SAFE and not plan.sleep:
            self.queue.spill().open_flash()
        self.hello = _hello(boot, plan.hash, reset_cause)
        self.hello.trial = trial
        self.session = NodeSession(self.hello, plan.describe, self.queue, board.random_below, self.encoder)
        self.heart = Heart(len(plan.groups), on_hung)
        self.link = Link(plan.port, self.session, self.ticks, obey, self.heart)
        self.samplers = [self._sampler(at, plan) for at in range(len(plan.groups))]
        self.sleeper = plan.sleep and plan.sleeper(self, plan, boot)
        self.problems = (note, plan.problem, "" if boot.stored else "boot count not stored")

    def _sampler(self, at: int, plan) -> object:
        group = plan.groups[at]
        sensors = [plan.sensors[index] for index in group["sensors"]]
        return group["sampler"](
            at, group, sensors, self.ticks, self.queue, self.encoder, self.link.wake, self.heart
        )


class _Plain:
    """The values of another object, without its class, which would keep its module alive."""

    def __init__(self, other) -> None:
        for name in other.__dict__:
            setattr(self, name, other.__dict__[name])


def _look_around(root: str, stage: int, trying: str, ticks) -> tuple:
    # Imported here, and let go before the rest is made: else its place would stay a hole in between.
    from firmware import board_start  # noqa: PLC0415
    from firmware.boot import Boot  # noqa: PLC0415
    from firmware.plan import Plan  # noqa: PLC0415

    reset_cause = board_start.reset_cause()
    left = None
    if reset_cause != "power_on":  # RTC memory does not outlive that, a brown-out or EN
        from firmware.resume import Left  # noqa: PLC0415 - see above

        left = Left(ticks, reset_cause)
    boot = Boot(root, os.urandom(2), root + "queue", left and left.boot)
    plan = Plan(root, stage)
    if trying and plan.problem:  # with the defaults it would measure something else, and be kept for it
        raise ValueError(trying + " on trial: " + plan.problem)
    if left:
        boot = left.settle(root, stage, boot, plan)
    trial = "settings" if plan.on_trial else trying
    trial_s = 0
    if trial:
        from firmware import launch  # noqa: PLC0415 - most starts have none, and its names would stay

        trial_s = launch.trial_s(root)
    found = (boot, _Plain(plan), reset_cause, trial, trial_s)
    modules.forget([path for path in sys.modules if path.startswith("firmware.kind_")])
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
