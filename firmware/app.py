"""The application: runs the tasks of a node, and what is due every few seconds."""

import asyncio
import gc
import sys

from firmware import board, health
from firmware.heart import HOUSE
from wire.compat import const
from wire.node_session import UP

ORDERS_ROOM = const(12800)  # octets free before the code for orders comes; less, and a sampler may have none
COLLECT_MS = const(5000)  # between two garbage collections at a time of our choice
MINUTE = const(12)  # collections
SAFE_COLLECTS = const(720)  # an hour; then a node in safe mode tries everything again


class App:
    """All parts of one node; files are below `root`, which ends in a slash.

    `stage`, `trying` and `note` come from firmware.launch.begin().
    """

    def __init__(self, root: str, stage: int = 0, trying: str = "", note: str = "") -> None:
        # Imported here, for it is let go again.
        from firmware import start  # noqa: PLC0415

        parts = start.Parts(root, stage, trying, note, self._describe, self._obey, self._on_hung)
        start.forget()
        self._root = root
        self._ticks = parts.ticks
        self._encoder = parts.encoder
        self.queue = parts.queue
        self._hello = parts.hello
        self._description = parts.describe  # None where it is in its file
        self._session = parts.session
        self._heart = parts.heart
        self._link = parts.link
        self._samplers = parts.samplers
        self._sleeper = parts.sleeper  # firmware.sleeper.Sleeper of a node that sleeps
        self.orders = None  # firmware.orders.Orders while the gateway has some
        self._good = False
        self._trial_s = parts.trial_s
        self._health_every = parts.health_ms // COLLECT_MS  # collections; 0: never
        self._tell("info", "started, reset " + self._hello.reset + ", heap free " + str(gc.mem_free()))
        for problem in parts.problems:
            if problem:
                self._tell("error", problem)

    async def run(self) -> None:
        """Run every task; an exception of any of them comes out here."""
        if self._sleeper:
            duties = await self._sleeper.begin(self)
        else:
            duties = [sampler.run() for sampler in self._samplers]
        self._heart.start()
        await asyncio.gather(self._link.receive(), self._link.send(), self._keep_house(), *duties)

    async def _keep_house(self) -> None:
        count = 0
        while True:
            self._heart.beat(HOUSE, COLLECT_MS)
            await asyncio.sleep_ms(COLLECT_MS)
            self._heart.beat(HOUSE, 0)
            count += 1
            self.queue.look()
            if self.orders and not self.orders.look():
                self._forget_orders()
            self.settle(count)
            gc.collect()
            self._tell_of_a_sensor(not count % MINUTE)
            if self._health_every and count % self._health_every == 1 % self._health_every:
                self.tell_health()

    def settle(self, count: int) -> None:
        """What the gateway's word ends: the count of failures, trials, the record of a crash."""
        if self._hello.crash and self._session.state == UP:  # WELCOME came, so HELLO had arrived
            self._hello.crash = ""
            _launch("forget", self._root)
        if not self._samplers:
            if count == SAFE_COLLECTS:
                _launch("again", self._root)
                _launch("planned")
                board.reset()
        elif not self._good and self._session.acked and any(sampler.valid for sampler in self._samplers):
            self._good = True
            _launch("good", self._root, self._hello.trial == "settings")
            self._hello.trial = ""
        elif self._hello.trial and self._ticks.now_us() >= self._trial_s * 1000000:
            _launch("overdue", self._root, self._hello.trial, self._ticks.now_us() // 1000000, self.queue)

    def _on_hung(self, cause: str) -> None:
        if cause:
            _launch("record", cause, self._ticks.now_us() // 1000000)
        else:  # it did not end this boot
            _launch("forget", self._root)

    def _describe(self) -> bytes:
        if self._description is not None:
            return self._description
        # Imported here: a gateway asks once.
        from firmware import description, modules  # noqa: PLC0415

        message = description.read(self._root + "describe", self._hello.desc)
        modules.forget(("firmware.description", "firmware.modules", "wire.up"))
        return message

    def tell_health(self) -> None:
        """Put a reading of the node's own group into the queue, where there is one."""
        if self._health_every:
            health.tell(self._ticks.now_us(), self._encoder, self.queue, self._link, self._samplers)

    def _tell_of_a_sensor(self, minute: bool) -> None:
        # One at a time, and what becomes of its trouble once a minute: a loose wire must not fill a log.
        for sampler in self._samplers:
            for sensor in sampler.sensors:
                detail = sensor.detail
                if detail != sensor.told and (minute or not sensor.told):
                    sensor.told = detail
                    self._tell("warning", "sensors[" + str(sensor.at) + "] " + (detail or "measures again"))
                    return

    def _obey(self, order) -> bytes:
        if self.orders is None:
            gc.collect()
            if gc.mem_free() < ORDERS_ROOM:
                raise MemoryError  # firmware.link counts it, and the gateway asks again
            # Imported here: the gateway seldom has any, and this takes 9 KB.
            from firmware import orders  # noqa: PLC0415

            self.orders = orders.Orders(
                self._root, self._samplers, self.queue, self._ticks, self._tell, self._hello, self._sleeper
            )
        return self.orders.answer(order).encode(self._encoder)

    def _forget_orders(self) -> None:
        from firmware import orders  # noqa: PLC0415 - it is loaded

        self.orders = None
        orders.leave()

    def _tell(self, level: str, text: str) -> None:
        self._session.log(self._ticks.now_us(), level, text)
        self._link.wake()


def _launch(name: str, *arguments) -> None:
    # Seldom needed, and 3 KB.
    from firmware import launch  # noqa: PLC0415

    getattr(launch, name)(*arguments)
    del sys.modules["firmware.launch"], sys.modules["firmware"].launch


def main(root: str = "/", stage: int = 0, trying: str = "", note: str = "") -> None:
    """Run the node for ever; KeyboardInterrupt is the technician's way in."""
    asyncio.run(App(root, stage, trying, note).run())
