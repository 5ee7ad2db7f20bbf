"""What this gateway has one node do: one order at a time, repeated until the node answers."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wire import fields, remote

if TYPE_CHECKING:
    from collections.abc import Callable

    from wire.remote import Chunk, Command, Result

    Order = Command | Chunk

COMMAND_TIMEOUT_S = remote.REPEAT_MS / 1000
COMMAND_TRIES = 5


class Unanswered(Exception):
    """The node was asked COMMAND_TRIES times and said nothing."""


class BegunAnew(Exception):
    """The node began another boot before it answered: it may have obeyed, or not."""


@dataclass(slots=True, kw_only=True)
class _Open:
    message: Order
    answer: asyncio.Future[Result]
    due: bool = True


class Orders:
    """`wake()` is called when there is something to send: the node's line then takes it with `due`.

    It outlives lines and boots of the node. Ids begin anywhere, so that a node does not take the first order
    of a gateway that was started again for the last one before.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._id = secrets.randbelow(fields.SEQ_LIMIT + 1)
        self._turn = asyncio.Lock()
        self._open: _Open | None = None
        self.boots = 0  # that the node has begun since it was first heard
        self._begun = asyncio.Event()
        self._heard = asyncio.Event()

    async def ask(self, order: Callable[[int], Order]) -> Result:
        """Send the message that `order` makes of an id. Raises Unanswered, BegunAnew."""
        async with self._turn:
            self._id = (self._id + 1) % (fields.SEQ_LIMIT + 1)
            self._open = _Open(message=order(self._id), answer=asyncio.get_running_loop().create_future())
            try:
                return await self._answered(self._open)
            finally:
                self._open = None

    async def _answered(self, order: _Open) -> Result:
        for _ in range(COMMAND_TRIES):
            order.due = True
            self._wake()
            done, _ = await asyncio.wait((order.answer,), timeout=COMMAND_TIMEOUT_S)
            if done:
                return order.answer.result()
        raise Unanswered

    async def boot_after(self, boots: int) -> None:
        """Wait until the node has begun more boots than so many."""
        while self.boots <= boots:
            await self._begun.wait()

    def due(self) -> Order | None:
        """The order to send now, or None; it is then on its way."""
        if self._open is None or not self._open.due:
            return None
        self._open.due = False
        return self._open.message

    def answered(self, result: Result) -> bool:
        """Take a RESULT; False when nobody waits for it: it came twice, or too late."""
        order = self._open
        if order is None or order.answer.done() or order.message.id != result.id:
            return False
        order.answer.set_result(result)
        return True

    async def contact(self) -> None:
        """Wait until the node is heard again, and hears."""
        await self._heard.wait()

    def heard(self) -> None:
        """The node has answered something just now."""
        self._heard.set()
        self._heard = asyncio.Event()

    def begun_anew(self) -> None:
        """The node has begun another boot, and knows nothing of what it was asked."""
        self.boots += 1
        self._begun.set()
        self._begun = asyncio.Event()
        if self._open is not None and not self._open.answer.done():
            self._open.answer.set_exception(BegunAnew())
