"""The records of damaged stores, found page by page and put into the new one while it works."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, NamedTuple

from gateway.store import quarantine
from gateway.store.errors import StoreError
from gateway.store.raw_pages import RawPages
from gateway.store.raw_rows import records_in
from gateway.store.small_rows import SALVAGE
from gateway.store.taking import Claim, Finish, Taking, Unclaimed
from wire import up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import apsw

    from gateway.store.ledger import Key, Ledger
    from gateway.store.reader import Reader
    from gateway.store.records import Stored
    from gateway.store.work import Work

log = logging.getLogger(__name__)

TAKEN_AT_ONCE = 500  # records of one commit, so that no commit waits long for old ones
REST_S = 0.02  # between two such commits: nodes come first
FINISH_S = 0.05  # between two looks whether the last one is on disk


class Result(NamedTuple):
    """What became of the damaged stores."""

    folders: list[Path]
    records: int  # taken over
    missing: int  # seqs that were found nowhere, now named as lost


class Salvage:
    """Goes through all stores that wait for it, once. What it does is done again after a crash.

    `reader` is its own; `put_work` gives a Work to the writer, as Store.put_work; `on_done` is called
    in this thread.
    """

    def __init__(
        self,
        reader: Reader,
        put_work: Callable[[str, Work], bool],
        on_done: Callable[[Result], None],
    ) -> None:
        self._thread = threading.Thread(target=self._run, name="store salvage", daemon=True)
        self._directory = reader.path.parent
        self._reader = reader
        self._put_work = put_work
        self._on_done = on_done
        self._stop = threading.Event()
        self._numbers: set[int] = set()  # of the damaged stores that it goes through
        self._works = 0
        self._taken = 0
        self._gaps: set[int] = set()
        self._unclaimed: dict[Key, Unclaimed] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """End as soon as possible; the next start goes on."""
        self._stop.set()
        self._thread.join()

    @property
    def under_way(self) -> bool:
        """Whether it works."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._numbers = self._reader.salvaging()
            folders = quarantine.waiting(self._directory)
            self._take_all(folders)
            if self._unclaimed:
                self._do(Claim(self._unclaimed))
                self._take_all(folders)
            finish = Finish()
            self._do(finish)
            while self._reader.salvaging():  # seen from here, it is committed
                self._rest(FINISH_S)
            for folder in folders:
                quarantine.done(folder)
            quarantine.drop_old(self._directory)
            self._on_done(Result(folders, self._taken, finish.missing))
        except Stopped:
            pass
        except (OSError, StoreError) as error:
            log.error("store: salvage failed, and is tried again at the next start: %s", error)  # noqa: TRY400 - no mistake of ours
        finally:
            self._reader.close()

    def _take_all(self, folders: list[Path]) -> None:
        for folder in folders:
            delivered = self._reader.salvage_cursor(int(folder.name))
            with RawPages(folder) as pages:
                for some in _batches(pages, self._gaps):
                    taking = Taking(some, delivered, self._unclaimed)
                    self._do(taking)
                    self._taken += taking.count
                    self._rest(REST_S)

    def _do(self, work: Work) -> None:
        """Have the work done. Of a transaction that is rolled back it is done again, by the writer.

        Not in a store that was begun anew meanwhile: it wants what this one has, too, and nothing may be
        named as lost there before another salvage has gone through all.
        """
        done = threading.Event()
        overtaken = threading.Event()

        def told(connection: apsw.Connection, ledger: Ledger) -> bool:
            if {folder for folder, _cursor in SALVAGE.rows(connection)} == self._numbers:
                work(connection, ledger)
            else:
                overtaken.set()
            done.set()
            return False

        self._works += 1
        while not self._put_work(f"salvage {self._works}", told):
            self._rest(REST_S)
        while not done.wait(REST_S):
            self._rest(0)
        if overtaken.is_set():
            raise Stopped

    def _rest(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped


class Stopped(Exception):
    """There is no time left."""


def _batches(pages: RawPages, gaps: set[int]) -> Iterator[list[Stored]]:
    batch: dict[int, Stored] = {}  # by id: most rows lie about more than once
    for page in pages.everything():
        for record in records_in(page):
            if record.kind == up.Gap.TYPE:
                if record.id in gaps:
                    continue
                gaps.add(record.id)
            batch[record.id] = record
        if len(batch) >= TAKEN_AT_ONCE:
            yield _in_order(batch)
            batch = {}
    if batch:
        yield _in_order(batch)


def _in_order(batch: dict[int, Stored]) -> list[Stored]:
    """As they came: SQLite fills a page from its end, so there the latest stands first."""
    return [batch[id_] for id_ in sorted(batch)]
