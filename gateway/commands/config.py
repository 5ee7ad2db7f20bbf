"""`fieldgate config`: look at a configuration without running it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gateway.commands.options import load_config
from gateway.config import Config, InvalidConfig, load
from gateway.failure import ExitCode


@click.group()
def config() -> None:
    """Look at a configuration."""


@config.command(short_help="Say every mistake in FILE, with its line.")
@click.argument("file", type=click.Path(path_type=Path, readable=False))
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def check(ctx: click.Context, file: Path, *, as_json: bool) -> None:
    """Say whether FILE is a valid configuration, and every mistake in it with its line.

    Exit code 0 when it is valid, 2 when not.
    """
    if as_json:
        document = _document(file)
        click.echo(json.dumps(document, indent=2))
        ctx.exit(ExitCode.OK if document["valid"] else ExitCode.USAGE)
    valid = load_config(file)
    click.echo(f"{file}: valid: {_summary(valid)}")
    for path in _missing_files(valid):
        click.echo(f"note: {path} is not there; the broker is tried again until it is", err=True)


def _document(file: Path) -> dict[str, object]:
    try:
        load(file)
    except InvalidConfig as invalid:
        errors = [
            {"line": error.line, "key": error.key, "message": error.message} for error in invalid.errors
        ]
        return {"file": str(file), "valid": False, "errors": errors}
    return {"file": str(file), "valid": True, "errors": []}


def _missing_files(valid: Config) -> list[Path]:
    """Named by a sink and not there yet; what this user may not look at is taken to be there."""
    named = [path for sink in valid.mqtt_sinks for path in (sink.password_file, sink.ca_file) if path]
    missing = []
    for path in named:
        try:
            path.stat()
        except FileNotFoundError:
            missing.append(path)
        except OSError:
            continue
    return missing


def _summary(valid: Config) -> str:
    ports = ", ".join(port.glob for port in valid.ports) or "none"
    sinks = (
        ", ".join(f"{sink.name} at {' or '.join(sink.urls or (sink.url,))}" for sink in valid.mqtt_sinks)
        or "none"
    )
    return f"gateway {valid.gateway.name}, ports {ports}, sinks {sinks}"
