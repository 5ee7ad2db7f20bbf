"""`fieldgate store import`: records of another gateway, or of another time, into this store."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.commands.options import agents_config, config_of
from gateway.commands.progress import bar
from gateway.failure import Failure
from gateway.text_table import shown

if TYPE_CHECKING:
    from gateway.archive.index import Index
    from gateway.commands.progress import Bar
    from gateway.config import Config
    from gateway.store.importing import Imported

_STEPS = {
    "not_an_archive": "was it written by fieldgate store export? gunzip -t {file}",
    "denied": "use sudo",
    "version": "install the version that has written it, or a later one",
}
_OTHER_STEP = "copy it from the stick once more, or export it once more; nothing was changed"


@click.command(name="import", short_help="Take over the records of an archive that are missing here.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--check", is_flag=True, help="Only verify the file; no store is touched.")
@agents_config
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def import_(*, file: Path, check: bool, config_path: Path | None, as_json: bool) -> None:
    """Put the records of FILE that this store does not have into it; no agent may hold it meanwhile.

    The file is verified as a whole first, and taken as a whole or not at all. What is here already is
    skipped, so a file may be imported any number of times. What is then missing between the records is
    a named gap, which a later import fills. The agent delivers what came when it runs again.

    Exit code 0; 1 when the file or the store is not in order, and nothing was changed.
    """
    settings = config_of(config_path)
    with bar("verify", silent=as_json) as progress:
        index = _verified(file, progress)
    done = None
    if not check:
        with bar("import", silent=as_json) as progress:
            done = _taken(file, index, settings, progress)
    if as_json:
        click.echo(json.dumps(_document(file, index, done), indent=2))
    else:
        click.echo(_sentence(file, index, done))


def _verified(file: Path, progress: Bar) -> Index:
    from gateway.archive.errors import ArchiveError  # noqa: PLC0415 - --help needs no store
    from gateway.archive.index import verify  # noqa: PLC0415

    try:
        progress.begin(file.stat().st_size)
        return verify(file, progress.advance)
    except ArchiveError as error:
        raise _refusal(file, error.reason, str(error)) from None
    except OSError as error:
        reason = "denied" if isinstance(error, PermissionError) else "io"
        raise _refusal(file, reason, error.strerror or "cannot be read") from None


def _taken(file: Path, index: Index, settings: Config, progress: Bar) -> Imported:
    from gateway.archive.errors import ArchiveError  # noqa: PLC0415
    from gateway.commands.store_failure import store_failure  # noqa: PLC0415
    from gateway.host_clock import HostClock  # noqa: PLC0415
    from gateway.machine import machine_name  # noqa: PLC0415
    from gateway.store import UNKNOWN_DAY, StoreError  # noqa: PLC0415
    from gateway.store.importing import NS_PER_DAY, opened, take  # noqa: PLC0415
    from gateway.store.room import MIB, Limits  # noqa: PLC0415

    directory = settings.gateway.state_directory
    limits = Limits(max_octets=settings.store.max_mib * MIB, floor_octets=settings.store.free_floor_mib * MIB)
    reading = HostClock().reading()
    day = reading.realtime_ns // NS_PER_DAY if reading.synchronised else UNKNOWN_DAY
    progress.begin(file.stat().st_size)
    try:
        with opened(directory, index, limits) as database:
            return take(database, file, index, here=machine_name(), day=day, advance=progress.advance)
    except StoreError as error:
        raise store_failure(error, directory) from None
    except ArchiveError as error:
        raise _refusal(file, error.reason, str(error)) from None
    except OSError as error:
        reason = "denied" if isinstance(error, PermissionError) else "io"
        raise _refusal(file, reason, error.strerror or "cannot be read") from None


def _refusal(file: Path, reason: str, message: str) -> Failure:
    return Failure(f"{file}: {message}", next_step=_STEPS.get(reason, _OTHER_STEP).format(file=file))


def _document(file: Path, index: Index, done: Imported | None) -> dict[str, object]:
    header = index.header
    document: dict[str, object] = {
        "file": os.fspath(file),
        "gateway": header.gateway,
        "machine": header.machine,
        "made_ns": header.made_ns,
        "records": index.records,
        "streams": len(index.readings),
        "sha256": index.sha256.hex(),
    }
    if done is not None:
        document["taken"] = {
            "readings": done.readings,
            "gaps": done.gaps,
            "descriptors": done.descriptors,
            "exchanges": done.exchanges,
            "host_boots": done.host_boots,
        }
        document |= {"repeats": done.repeats, "found": done.found, "lost": done.lost}
    return document


def _sentence(file: Path, index: Index, done: Imported | None) -> str:
    origin = f"{file}: from gateway {shown(index.header.gateway)}, {index.records} records, whole"
    if done is None:
        return origin
    if not done.changed:
        return f"{origin}; all of it was here already"
    parts = [f"{done.readings} readings and {done.gaps} gaps taken", f"{done.repeats} were here already"]
    if done.found:
        parts.append(f"{done.found} that were lost are found")
    if done.lost:
        parts.append(f"{done.lost} are missing and named as lost: fieldgate ledger")
    return "; ".join([origin, *parts])
