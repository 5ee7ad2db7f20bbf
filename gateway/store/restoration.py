"""What happens around a damaged file: it is reported, begun anew by the writer, and salvaged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.store.salvage import Salvage

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from gateway.store.commit_queue import CommitQueue
    from gateway.store.errors import StoreError
    from gateway.store.ledger import Ledger
    from gateway.store.reader import Reader
    from gateway.store.salvage import Result
    from gateway.store.work import Work


class Restoration:
    """Of one store, in the event loop's thread."""

    def __init__(self, reader: Reader, queue: CommitQueue) -> None:
        self._reader = reader
        self._queue = queue
        self._salvage: Salvage | None = None
        self._reported = False
        self._ended = False

    def start(self, on_renewed: Callable[[], None], on_salvaged: Callable[[Result], None] | None) -> None:
        """Go on with what a former run has not finished. The callbacks run in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._on_renewed = on_renewed
        self._on_salvaged = on_salvaged
        if self._reader.salvaging():
            self._begin_salvage()

    def end(self) -> None:
        """Stop what is under way; the next run goes on with it."""
        self._ended = True
        self._stop()

    @property
    def salvaging(self) -> bool:
        """Whether records are being taken over."""
        return self._salvage is not None and self._salvage.under_way

    def report(self, error: StoreError) -> None:
        """Reading met this: the writer, which may know the file from its cache only, begins it anew."""
        if error.reason != "corrupt" or self._reported:
            return
        self._reported = True
        untold = [error]

        def work(_connection: apsw.Connection, _ledger: Ledger) -> bool:
            if untold:
                raise untold.pop()
            return False

        self._queue.add("damaged file", work, patient=False)

    def renewed(self) -> None:
        """The writer has a new file."""
        if self._ended:
            return
        self._reader.reopen()
        self._reported = False
        self._stop()
        self._begin_salvage()
        self._on_renewed()

    def _stop(self) -> None:
        if self._salvage is not None:
            self._salvage.end()
            self._salvage = None

    def _begin_salvage(self) -> None:
        def put_work(key: str, work: Work) -> bool:
            return self._queue.add(key, work, patient=False)

        self._salvage = Salvage(self._reader.twin(), put_work, self._done)
        self._salvage.start()

    def _done(self, result: Result) -> None:
        if self._on_salvaged is not None:
            self._loop.call_soon_threadsafe(self._on_salvaged, result)
