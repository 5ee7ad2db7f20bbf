"""Every `fieldgate ...` that a manual, a message or a next step tells somebody to type can be typed."""

import re
from pathlib import Path

import click
import pytest

from gateway.cli import fieldgate

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
SOURCES = [path for folder in ("gateway", "provisioning") for path in (ROOT / folder).rglob("*.py")]
CONTEXT = click.Context(fieldgate)
COMMANDS = {name: fieldgate.get_command(CONTEXT, name) for name in fieldgate.list_commands(CONTEXT)}
# Only what is quoted, or stands in a line of its own, is surely no sentence. `fieldgate application` is how
# a package begins.
COMMAND = re.compile(r"(?:`|^ {4}(?:sudo )?)fieldgate (?!application 1)([a-z][a-z-]+)", re.MULTILINE)
# `remote` has a node before its subcommand; "a fieldgate node" is a thing.
SUBCOMMAND = re.compile(
    r"(?<!a )\bfieldgate (?:(?P<group>node|store|config|dead-letters)|(?P<remote>remote) [A-Z0-9a-f]+)"
    r" (?P<command>[a-z][a-z-]+)"
)


def unknown(text: str) -> list[str]:
    """What the text has as a command and is none."""
    commands = [match[0] for match in COMMAND.finditer(text) if match[1] not in COMMANDS]
    return commands + [
        match[0]
        for match in SUBCOMMAND.finditer(text)
        if match["command"] not in COMMANDS[match["group"] or match["remote"]].commands
    ]


@pytest.mark.parametrize("path", sorted(PAGES + SOURCES), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_that_is_named_is_there(path):
    assert not unknown(path.read_text(encoding="utf-8"))


def test_a_command_that_is_not_there_is_found():
    text = "    fieldgate stats\n`fieldgate node flash`, fieldgate remote 4ff1 rest; a fieldgate node talks"
    assert unknown(text) == ["    fieldgate stats", "fieldgate node flash", "fieldgate remote 4ff1 rest"]
