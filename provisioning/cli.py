"""`fieldgate node`: put the application on a board."""

from __future__ import annotations

import json
from pathlib import Path

import click

from provisioning import application, report
from provisioning.failure import ExitCode, InvalidOptions, NodeFailure
from provisioning.install import Installation, InstallFailed
from provisioning.package import package as packaged
from provisioning.progress import shown_on
from provisioning.settings_wish import InvalidSettings, SettingsWish
from provisioning.step import Step


@click.group()
def node() -> None:
    """Put the application on a board and see that it works."""


@node.command(short_help="Install the application on the board at PORT.")
@click.argument("port")
@click.option("--settings", type=click.Path(path_type=Path), help="Write this file as /settings.json.")
@click.option("--name", help="Name of the node, written into its settings.")
@click.option("--site", help="Where the node is, written into its settings.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def install(
    ctx: click.Context, port: str, *, settings: Path | None, name: str | None, site: str | None, as_json: bool
) -> None:
    """Install the application on the board at PORT, such as /dev/ttyUSB0.

    MicroPython must be on it (docs/technician.md). A power cut at any moment leaves the board with
    the old application or the new one. Files that are right already are not written again, and the
    settings stay unless an option gives others.

    Exit code 0 when the node works, 1 when something failed, 2 when the options are not valid.
    """
    wish = _wish(settings, name, site)
    progress = shown_on(silent=as_json)
    try:
        progress.begin(Step.BUILD)
        built = application.build()
        outcome = Installation(port, built, wish, progress).run()
    except application.NotBuilt as error:
        next_step = "install fieldgate again (docs/install.md)"
        raise NodeFailure(str(error), step=Step.BUILD, next_step=next_step) from None
    except InstallFailed as failed:
        progress.close()
        if as_json:
            click.echo(json.dumps(report.failure_document(failed, port), indent=2))
        raise _failure(failed) from None
    progress.close()
    if as_json:
        click.echo(json.dumps(report.document(outcome, built, port), indent=2))
    else:
        for line in report.lines(outcome, built):
            click.echo(line)
    complaints = outcome.greeting.complaints if outcome.greeting else []
    ctx.exit(ExitCode.FAULT if complaints else ExitCode.OK)


@node.command(short_help="Write the application into FILE, for fieldgate remote NODE update.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE")
def package(output: Path) -> None:
    """Write the application that this fieldgate has for nodes into FILE.

    `fieldgate remote NODE update FILE` gives it to a node over its link, with any gateway of this version.
    """
    try:
        built = application.build()
        octets = packaged(built)
        output.write_bytes(octets)
    except application.NotBuilt as error:
        next_step = "install fieldgate again (docs/install.md)"
        raise NodeFailure(str(error), step=Step.BUILD, next_step=next_step) from None
    except OSError as error:
        message = f"{output}: {error.strerror}"
        raise NodeFailure(message, step=Step.BUILD, next_step="name a file that can be written") from None
    click.echo(f"{output}: fieldgate {built.version}, {len(built.modules)} files, {len(octets)} octets")


def _wish(settings: Path | None, name: str | None, site: str | None) -> SettingsWish:
    try:
        octets = settings.read_bytes() if settings else None
        return SettingsWish(file=octets, source=str(settings or ""), name=name, site=site)
    except OSError as error:
        message = f"{settings}: {error.strerror}"
    except InvalidSettings as error:
        message = str(error)
    next_step = "correct it (docs/firmware.md has every key), then run the command again"
    raise InvalidOptions(message, step="", next_step=next_step)


def _failure(failed: InstallFailed) -> NodeFailure:
    kind = InvalidOptions if failed.explanation.reason == "settings" else NodeFailure
    explanation = failed.explanation
    return kind(explanation.message, step=failed.step, next_step=explanation.next_step, board=failed.board)
