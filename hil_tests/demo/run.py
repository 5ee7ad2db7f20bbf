"""One run of the demo: everything is started, watched, ended in order, and accounted for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from rich.console import Console

from gateway.status import Status
from hil_tests.board import BoardHostFailed
from hil_tests.board.flash import FlashFault
from hil_tests.broker import BrokerError
from hil_tests.demo.ledger import Evidence, Ledger, balance
from hil_tests.demo.options import Options
from hil_tests.demo.parts import Parts
from hil_tests.demo.picture import save_picture
from hil_tests.demo.screen import Screen, screen_on
from hil_tests.demo.snapshot import Phase, Snapshot, rows_of
from hil_tests.demo.stop import Stop
from hil_tests.demo.stored import Stored, read_store
from hil_tests.gateway import GatewayEnded
from hil_tests.interpreters import ProgramMissing
from provisioning.application import NotBuilt

DRAW_S = 0.25
DRAIN_S = 5.0  # for what is acknowledged to reach the subscriber once the nodes are stopped
DRAIN_POLL_S = 0.05
MUTE_S = 4.0  # a node that has no ACK after so long has a problem


class CannotRun(Exception):
    """The demo could not be run to its end."""

    def __init__(self, message: str, *, next_step: str) -> None:
        super().__init__(message)
        self.next_step = next_step


async def run(options: Options) -> Ledger:
    """Run the demo until its time is up or a signal comes. Raises CannotRun."""
    stop = Stop()
    stop.listen()
    try:
        with screen_on(Console(stderr=options.quiet)) as screen:
            async with Parts(options, stop) as parts:
                return await Demo(options, parts, screen, stop).run()
    except ProgramMissing as error:
        message = f"the demo runs in a checkout, and {error.path} is not there"
        raise CannotRun(message, next_step="scripts/demo in a checkout fetches what it needs") from None
    except (BrokerError, NotBuilt, FlashFault, BoardHostFailed) as error:
        raise CannotRun(str(error), next_step="scripts/setup, then try again") from None
    except GatewayEnded as error:
        raise CannotRun(str(error), next_step="please report it with these lines") from None


class Demo:
    """Used once."""

    def __init__(self, options: Options, parts: Parts, screen: Screen, stop: Stop) -> None:
        self._options = options
        self._nodes = parts.nodes
        self._gateway = parts.gateway
        self._subscriber = parts.subscriber
        self._start = parts.start
        self._screen = screen
        self._stop = stop
        self._status: Status | None = None
        self._last: Snapshot | None = None
        self._ran_for_s = 0.0

    async def run(self) -> Ledger:
        """Start the parts, watch them, end them: the nodes, what is under way, the gateway."""
        self._show(Phase.STARTING)
        await self._start()
        await self._watch()
        self._show(Phase.STOPPING)
        await asyncio.to_thread(self._nodes.stop)
        await self._drain()
        await asyncio.to_thread(self._gateway.stop)
        stored = await asyncio.to_thread(read_store, self._gateway.state)
        ledger = balance(self._evidence(stored))
        if self._options.picture is not None and self._last is not None:
            save_picture(self._options.picture, self._last, ledger)
        return ledger

    async def _watch(self) -> None:
        """Draw until the time is up or somebody ends it."""
        seconds = self._options.seconds
        began_s = time.monotonic()
        while not self._stop.asked.is_set():
            self._ran_for_s = time.monotonic() - began_s
            left_s = None if seconds is None else seconds - self._ran_for_s
            if left_s is not None and left_s <= 0:
                return
            await self._look()
            self._show(Phase.RUNNING, left_s)
            await self._stop.pause(DRAW_S if left_s is None else min(DRAW_S, left_s))

    async def _drain(self) -> None:
        """Wait, for DRAIN_S at most, until all that is acknowledged is delivered and received.

        Two looks must see the same: a block may still be on its way that nobody has acknowledged.
        """
        deadline_s = time.monotonic() + DRAIN_S
        before: Snapshot | None = None
        while True:
            await self._look()
            now = self._show(Phase.DRAINING)
            late = time.monotonic() > deadline_s or self._stop.hurried or not self._subscriber.subscribed
            if late or (before is not None and self._all_arrived() and now.progress == before.progress):
                return
            before = now
            await asyncio.sleep(DRAIN_POLL_S)

    async def _look(self) -> None:
        try:
            self._status = await asyncio.to_thread(self._gateway.status)
        except GatewayEnded:
            # A terminal's Ctrl-C also ends a gateway that is being started, which is then no failure.
            if self._status is not None or not self._stop.asked.is_set():
                raise

    def _all_arrived(self) -> bool:
        receipts = self._subscriber.receipts()
        missing = self._nodes.acknowledged() - set(receipts.identities)
        waiting = self._status is not None and any(self._status.store.waiting.values())
        return not waiting and all(any(gap.names(each) for gap in receipts.gaps) for each in missing)

    def _evidence(self, stored: Stored) -> Evidence:
        receipts = self._subscriber.receipts()
        sinks = self._status.sinks if self._status is not None else ()
        return Evidence(
            sampled=self._nodes.sampled(),
            acknowledged=self._nodes.acknowledged(),
            acknowledged_scans=self._nodes.acknowledged_scans(),
            stored=stored.ever,
            delivered=sum(sink.delivered for sink in sinks),
            received=receipts.identities,
            gaps=receipts.gaps,
            waiting=stored.waiting,
            latencies_s=receipts.latencies_s,
            remarks=tuple(self._remarks(stored, receipts.not_understood)),
        )

    def _remarks(self, stored: Stored, not_understood: list[str]) -> Iterator[str]:
        """What the numbers alone do not say."""
        if self._status is None and stored.ever:
            yield "the gateway never said how it is: what was delivered is not known"
        if stored.waiting:
            for sink in self._status.sinks if self._status is not None else ():
                yield f"the broker at {sink.broker} is {sink.state}: {sink.detail}"
            yield "what waits is stored, not lost: a gateway delivers it later"
            yield "(the demo has deleted this one's disk, its own temporary folder)"
        yield from self._nodes.strangers(self._gateway.name)
        if self._ran_for_s > MUTE_S:
            yield from self._nodes.mute()
        if not_understood:
            yield f"{len(not_understood)} publishes not understood: {not_understood[0]}"

    def _show(self, phase: Phase, left_s: float | None = None) -> Snapshot:
        snapshot = self._snapshot(phase, left_s)
        if phase is Phase.RUNNING:
            self._last = snapshot
        self._screen.show(snapshot)
        return snapshot

    def _snapshot(self, phase: Phase, left_s: float | None) -> Snapshot:
        now_s = time.time()
        status = self._status
        receipts = self._subscriber.receipts()
        links = {node.uid: node.link for node in status.nodes} if status is not None else {}
        if phase in (Phase.STOPPING, Phase.DRAINING):
            links = dict.fromkeys(self._nodes.names, "stopped")
        return Snapshot(
            now_s=now_s,
            phase=phase,
            left_s=left_s,
            rows=tuple(rows_of(self._nodes.names, receipts.latest, links, now_s)),
            stored=sum(node.blocks for node in status.nodes) if status is not None else 0,
            delivered=sum(sink.delivered for sink in status.sinks) if status is not None else 0,
            waiting=sum(status.store.waiting.values()) if status is not None else 0,
            received=len(set(receipts.identities)),
            # A node that was stopped has hung up, which is no trouble.
            remarks=tuple(_faults(status)) if status is not None and phase is Phase.RUNNING else (),
        )


def _faults(status: Status) -> Iterator[str]:
    for fault in status.faults:
        yield f"{fault.name} ({fault.subject}) {fault.detail}".rstrip()
