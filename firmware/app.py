"""The application: reads the settings, makes the parts, runs their tasks."""

import asyncio
import gc
import sys

from firmware import VERSION, board
from firmware.clock import Ticks
from firmware.link import Link
from firmware.queue import RamQueue
from firmware.sampler import Sampler
from wire.cbor import Encoder
from wire.compat import const
from wire.fields import MESSAGE_OCTETS
from wire.node_session import NodeSession
from wire.up_node import Hello

HEAP_RESERVE = const(4096)  # octets in one piece that the queue leaves to everything else
COLLECT_MS = const(5000)  # between two garbage collections at a time of our choice
HEALTH_EVERY = const(12)  # collections: one health line a minute
NONCE_OCTETS = const(8)


class App:
    """All parts of one node; files are below `root`, which ends in a slash."""

    def __init__(self, root: str) -> None:
        self._ticks = Ticks(board.ticks_us, board.TICKS_MOST)
        self._encoder = Encoder(MESSAGE_OCTETS)
        boot, plan = _start(root)
        place = (root + "queue", plan.queue_flash_octets, plan.hash) if plan.queue_flash_octets else None
        self.queue = RamQueue(boot.number, plan.queue_octets, _has_room, place)
        if boot.left_records:
            self.queue.spill().open_flash()
        self._session = self._new_session(boot, plan)
        self._root = root
        self._orders = None  # firmware.orders.Orders while the gateway has some
        self._link = Link(plan.port, self._session, self._ticks, self._obey)
        self._samplers = self._new_samplers(plan)
        self._tell("info", "started, reset " + board.reset_cause() + ", heap free " + str(gc.mem_free()))
        if plan.problem:
            self._tell("error", "defaults in use, settings: " + plan.problem)
        if not boot.stored:
            self._tell("error", "boot count not stored")
        crash = _last_line(root + "crash.txt")
        if crash and board.reset_cause() == "hard":
            self._tell("error", "crashed before: " + crash)

    async def run(self) -> None:
        """Run every task; an exception of any of them comes out here."""
        duties = [sampler.run() for sampler in self._samplers]
        await asyncio.gather(self._link.receive(), self._link.send(), self._keep_house(), *duties)

    def _new_session(self, boot, plan) -> NodeSession:
        version = ".".join([str(number) for number in sys.implementation[1][:3]])
        hello = Hello(
            board.uid(),
            boot.number,
            0,
            "fieldgate " + VERSION + ", micropython " + version,
            plan.hash,
            board.reset_cause(),
            [],
            MESSAGE_OCTETS,
            bytes(NONCE_OCTETS),
        )
        return NodeSession(hello, plan.describe, self.queue, board.random_below, self._encoder)

    def _new_samplers(self, plan) -> "list[Sampler]":
        made = []
        for at in range(len(plan.groups)):
            group = plan.groups[at]
            members = [plan.sensors[index] for index in group["sensors"]]
            made.append(Sampler(at, group, members, self._ticks, self.queue, self._encoder, self._link.wake))
        return made

    async def _keep_house(self) -> None:
        while True:
            for _ in range(HEALTH_EVERY):
                await asyncio.sleep_ms(COLLECT_MS)
                self.queue.look()
                if self._orders and not self._orders.look():
                    self._forget_orders()
                gc.collect()
            self._tell("info", self._health())

    def _health(self) -> str:
        missed = sum([sampler.missed for sampler in self._samplers])
        given_up = sum([sensor.given_up for sampler in self._samplers for sensor in sampler.sensors])
        queue = self.queue
        return (
            "heap free " + str(gc.mem_free()) + ", queue " + str(queue.octets)
            + ", dropped " + str(queue.dropped) + ", missed " + str(missed)
            + ", refused " + str(self._link.refused) + ", given up " + str(given_up)
            + (", flash " + queue.spill().health() if queue.flash else "")
        )  # fmt: skip

    def _obey(self, order) -> bytes:
        if self._orders is None:
            gc.collect()
            # Imported here: the gateway seldom has any, and this takes 5 KB.
            from firmware import orders  # noqa: PLC0415

            self._orders = orders.Orders(self._root, self._samplers, self.queue, self._ticks, self._tell)
        return self._orders.answer(order).encode(self._encoder)

    def _forget_orders(self) -> None:
        from firmware import orders  # noqa: PLC0415 - it is loaded

        self._orders = None
        orders.leave()

    def _tell(self, level: str, text: str) -> None:
        self._session.log(self._ticks.now_us(), level, text)
        self._link.wake()


def _has_room() -> bool:
    # Asked for and let go: what is free in small holes would not do.
    try:
        bytearray(HEAP_RESERVE)
    except MemoryError:
        return False
    return True


def _start(root: str) -> tuple:
    # Imported here, for these modules are let go again.
    from firmware.boot import Boot  # noqa: PLC0415
    from firmware.plan import Plan, forget  # noqa: PLC0415

    boot = Boot(root + "boot_count", board.random_octets(2), root + "queue")
    plan = Plan(root + "settings.json")
    forget()
    return boot, plan


def _last_line(path: str) -> str:
    try:
        with open(path) as file:
            lines = file.read(2000).strip().split("\n")
    except OSError:
        return ""
    return lines[-1]


def main(root: str = "/") -> None:
    """Run the node for ever; KeyboardInterrupt is the technician's way in."""
    asyncio.run(App(root).run())
