"""`fieldgate store export`: what is stored into a file, for a way without a network."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.commands.options import agents_config, gateway_of
from gateway.commands.parameters import Moment, NodeUid
from gateway.commands.progress import bar
from gateway.failure import ExitCode, Failure, InvalidInput

if TYPE_CHECKING:
    from gateway.store.exporting import Exported

ENDING = ".fieldgate.gz"

_STEPS = {
    errno.ENOSPC: "make room on it, or use a larger one: df -h {folder}",
    errno.EDQUOT: "make room on it: df -h {folder}",
    errno.EROFS: "mount it so that it can be written, or use another one: findmnt -T {folder}",
    errno.EACCES: "use sudo, or a folder that you may write into",
    errno.EPERM: "use sudo, or a folder that you may write into",
    errno.ENOENT: "is it mounted? ls -ld {folder}",
    errno.EEXIST: "choose another name: an archive is never written over",
    errno.EFBIG: "FAT takes 4 GiB: use --node or --since, or a stick with exFAT or ext4",
}
_OTHER_STEP = "plug it in again, or use another one; dmesg tells why"


@click.command(name="export", short_help="Write records into one file, for the way home on a stick.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--node", type=NodeUid(), help="Of this node only.")
@click.option("--since", type=Moment(), help="What arrived at this time of UTC or later.")
@click.option("--until", type=Moment(), help="What arrived before this time of UTC.")
@click.option("--waiting-for", "sink", help="What this sink has not delivered.")
@agents_config
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def export(
    ctx: click.Context,
    *,
    file: Path,
    node: bytes | None,
    since: int | None,
    until: int | None,
    sink: str | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Write what is stored into FILE, or into a new file in it where it is a folder.

    The running agent is not disturbed, and nothing counts as delivered by it: what goes home on a stick
    is sent as well when the network is back, and whoever has it already knows it by its identity.

    Exit code 0; 1 when something could not be written, or a damaged record had to be left out.
    """
    from gateway.archive.entries import Header  # noqa: PLC0415 - --help needs no store
    from gateway.commands.store_failure import store_failure  # noqa: PLC0415
    from gateway.host_clock import HostClock  # noqa: PLC0415
    from gateway.machine import machine_name  # noqa: PLC0415
    from gateway.store import StoreError  # noqa: PLC0415
    from gateway.store.exporting import Wanted, export  # noqa: PLC0415
    from gateway.store.store import STORE_NAME  # noqa: PLC0415

    settings = gateway_of(config_path)
    reading = HostClock().reading()
    header = Header(
        gateway=settings.name,
        machine=machine_name(),
        made_ns=reading.realtime_ns if reading.synchronised else None,
    )
    if file.is_dir():
        file /= f"{settings.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}{ENDING}"
    try:
        with bar("export", silent=as_json) as progress:
            done = export(
                settings.state_directory / STORE_NAME,
                file,
                header=header,
                wanted=Wanted(node=node, since_ns=since, until_ns=until, sink=sink),
                begin=progress.begin,
                advance=progress.advance,
            )
    except StoreError as error:
        if error.reason == "sink":
            raise InvalidInput(str(error), next_step="fieldgate status names the sinks") from None
        raise store_failure(error, settings.state_directory) from None
    except OSError as error:
        step = _STEPS.get(error.errno or 0, _OTHER_STEP).format(folder=file.parent)
        raise Failure(f"{file}: {error.strerror}", next_step=step) from None
    _say(file, done, as_json=as_json)
    ctx.exit(ExitCode.FAULT if done.damaged or done.damaged_rows else ExitCode.OK)


def _say(file: Path, done: Exported, *, as_json: bool) -> None:
    if as_json:
        document = {
            "file": os.fspath(file),
            "records": done.records,
            "octets": done.octets,
            "damaged_records": done.damaged,
            "damaged_rows": list(done.damaged_rows),
        }
        click.echo(json.dumps(document, indent=2))
        return
    click.echo(
        f"{file}: {done.records} records, {done.octets} octets; it may be unplugged when it is unmounted"
    )
    if done.damaged or done.damaged_rows:
        damaged = f"{done.damaged} records and {len(done.damaged_rows)} rows are damaged"
        click.echo(f"{damaged} and not in it: fieldgate store check", err=True)
