"""`fieldgate remote NODE ...`: what a node does for whoever asks, over its link."""

from __future__ import annotations

import base64
import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from gateway.commands.options import agents_config, gateway_of
from gateway.commands.parameters import Duration
from gateway.commands.progress import bar
from gateway.commands.running_agent import reaching
from gateway.control import CONTROL_NAME, Refused, call
from gateway.counters import printable
from gateway.errand import ErrandState
from gateway.failure import Failure
from gateway.status_text import duration
from wire.remote import AWAKE_MOST_S, MAINTENANCE_MOST_S, TRIAL_LEAST_S, TRIAL_MOST_S

LOOK_S = 0.2
ESCAPE_MOST = 10  # characters that one octet may become
_JSON = click.option("--json", "as_json", is_flag=True, help="Print what became of it as JSON.")
_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_WITHIN = click.option(
    "--within",
    "seconds",
    type=click.IntRange(TRIAL_LEAST_S, TRIAL_MOST_S),
    default=300,
    show_default=True,
    help="Seconds for the trial.",
)


@click.group(short_help="Have a node do something: settings, application, a pause, a reset.")
@click.argument("node")
@click.pass_context
def remote(context: click.Context, node: str) -> None:
    """Have a node do something: new settings, a new application, a pause, a reset, no sleep.

    NODE is its uid, as `fieldgate status` shows it, or the end of it: four digits at least, of one node only.
    The running agent does it over the node's link, beside its readings. Exit code 3 when no agent answers,
    1 when the node does not do it.
    """
    context.obj = node


@remote.group()
def settings() -> None:
    """The settings.json on its flash."""


@settings.command()
@_JSON
@agents_config
@click.pass_obj
def show(node: str, *, as_json: bool, config_path: Path | None) -> None:
    """Print it, with ******** in place of what is secret; `settings set` keeps what is so hidden."""
    errand = _done(config_path, node, "settings.show", title="reading", as_json=as_json)
    if as_json:
        return
    octets = base64.b64decode(errand["answer"]["settings"])
    if not octets:
        click.echo(f"node {errand['node']} has no settings.json: its defaults are in force", err=True)
    elif sys.stdout.isatty():
        click.echo(harmless(octets))
    else:
        click.echo(octets, nl=False)


@settings.command(name="set")
@_FILE
@_WITHIN
@_JSON
@agents_config
@click.pass_obj
def set_(node: str, *, file: Path, seconds: int, as_json: bool, config_path: Path | None) -> None:
    """Give it the settings in FILE, on trial: it goes back by itself unless they prove themselves.

    That they do, the node checks what it can check, resets, and measures with them: they are kept once a
    value is there and a record is stored by the gateway. The link may be cut meanwhile, or the node lose its
    power: ask again, and it goes on where it was.
    """
    trial = _trial(file, seconds)
    errand = _done(config_path, node, "settings.set", title="settings", as_json=as_json, **trial)
    if not as_json:
        click.echo(f"node {errand['node']} measures with its new settings, and keeps them")


@remote.command()
@_FILE
@_WITHIN
@_JSON
@agents_config
@click.pass_obj
def update(node: str, *, file: Path, seconds: int, as_json: bool, config_path: Path | None) -> None:
    """Give it the application in FILE, made by `fieldgate node package`, on trial, as with settings.

    It goes into the slot that the node does not run from, so that the one which works stays until the new one
    has measured and was acknowledged.
    """
    trial = _trial(file, seconds)
    errand = _done(config_path, node, "update", title="application", as_json=as_json, **trial)
    if not as_json:
        click.echo(f"node {errand['node']} runs fieldgate {errand['answer']['version']}, and keeps it")


@remote.command()
@_JSON
@agents_config
@click.pass_obj
def reset(node: str, *, as_json: bool, config_path: Path | None) -> None:
    """Reset it, once the gateway has what it holds, and wait until it is back."""
    errand = _done(config_path, node, "reset", title="resetting", as_json=as_json)
    if not as_json:
        count = errand["answer"]["boot"] >> 16  # as everywhere that people look
        click.echo(f"node {errand['node']} is back: boot {count}")


@remote.command()
@click.argument("seconds", type=click.IntRange(0, MAINTENANCE_MOST_S))
@_JSON
@agents_config
@click.pass_obj
def maintenance(node: str, *, seconds: int, as_json: bool, config_path: Path | None) -> None:
    """Park its sampling for SECONDS, so that nothing touches its chips; 0 ends it.

    It measures nothing meanwhile, and goes on by itself.
    """
    errand = _done(config_path, node, "maintenance", title="parking", as_json=as_json, seconds=seconds)
    if not as_json:
        click.echo(
            f"node {errand['node']}: " + (f"parked for {seconds} s" if seconds else "it measures again")
        )


@remote.command()
@click.option(
    "--for",
    "seconds",
    type=Duration(AWAKE_MOST_S),
    required=True,
    metavar="TIME",
    help="As 10m, 90s or 2h, a day at most; 0 lets it sleep again.",
)
@_JSON
@agents_config
@click.pass_obj
def awake(node: str, *, seconds: int, as_json: bool, config_path: Path | None) -> None:
    """Keep a node that sleeps awake for TIME, from its next contact on.

    Then it can be given settings and applications, or be reached on its console. The agent waits until the
    node is heard, two of its contacts at most; end it with Ctrl-C. The node samples as often as before, and
    sleeps again by itself.
    """
    errand = _done(config_path, node, "awake", title="waiting", as_json=as_json, seconds=seconds)
    if not as_json:
        click.echo(
            f"node {errand['node']} "
            + (f"stays awake for {duration(seconds)}" if seconds else "may sleep again")
        )


def harmless(octets: bytes) -> str:
    """A node's own text in its lines, without what a terminal would obey."""
    return "\n".join(printable(line, len(octets) * ESCAPE_MOST) for line in octets.rstrip().split(b"\n"))


def _trial(file: Path, seconds: int) -> dict[str, object]:
    return {"octets": base64.b64encode(file.read_bytes()).decode(), "seconds": seconds}


def _done(
    config_path: Path | None, node: str, do: str, *, title: str, as_json: bool, **arguments: object
) -> dict[str, Any]:
    """Have the agent do it and wait for the end; the errand. Prints it where `as_json`. Raises Failure."""
    path = gateway_of(config_path).state_directory / CONTROL_NAME
    errand = _called(path, "remote.start", node=node, do=do, **arguments)
    said = shown_octets = 0
    try:
        with bar(title, silent=as_json) as progress:
            while errand["state"] == ErrandState.RUNNING:
                time.sleep(LOOK_S)
                errand = _called(path, "remote.look", errand=errand["errand"])
                if errand["total"]:
                    progress.begin(errand["total"])
                progress.advance(errand["done"] - shown_octets)
                shown_octets = errand["done"]
                for note in errand["notes"][said:]:
                    click.echo(note, err=True)
                said = len(errand["notes"])
    except KeyboardInterrupt:
        with suppress(Failure):
            _called(path, "remote.stop", errand=errand["errand"])
        raise
    if as_json:
        click.echo(json.dumps(errand))
    if errand["state"] != ErrandState.DONE:
        raise Failure(
            errand["message"] or "it was stopped", next_step=errand["next_step"] or "again, when you like"
        )
    return errand


def _called(path: Path, operation: str, **arguments: object) -> dict[str, Any]:
    try:
        with reaching(path):
            answer: dict[str, Any] = call(path, operation, **arguments)
    except Refused as refused:
        raise Failure(str(refused), next_step="fieldgate status") from None
    return answer
