"""A damaged store, from quarantine or from elsewhere, into a store that no agent holds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.store import quarantine
from gateway.store.disk import from_os
from gateway.store.errors import StoreError
from gateway.store.ownership import give_to_owner
from gateway.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.store.salvage import Result


def salvage(directory: Path, damaged: Path) -> Result:
    """Take over the records of the damaged store that this one lacks, as the agent does.

    `damaged` is a folder with store.db. One from elsewhere is copied into quarantine/ first. Raises
    StoreError: `in_use` while an agent holds this one.
    """
    try:
        return asyncio.run(_salvage(directory, damaged))
    finally:
        give_to_owner(directory)


async def _salvage(directory: Path, damaged: Path) -> Result:
    await Store.open(directory).close()  # is it free, is it sound?
    try:
        quarantine.wait_again(directory, damaged)
    except OSError as error:
        raise from_os(directory, error) from error
    done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    store = Store.open(directory)
    store.start(lambda _arrivals: None, lambda *_: None, on_salvaged=done.set_result)
    try:
        while not done.done():
            if not store.salvaging:
                await asyncio.sleep(0)
                if not done.done():
                    raise StoreError("io", f"{damaged}: salvage ended early; the log says why")
            await asyncio.wait([done], timeout=1.0)
        return done.result()
    finally:
        await store.close()
