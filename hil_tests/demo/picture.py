"""A picture of a terminal for the README, of what one real run printed."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from hil_tests.demo.screen import table

if TYPE_CHECKING:
    from pathlib import Path

    from hil_tests.demo.ledger import Ledger
    from hil_tests.demo.snapshot import Snapshot

WIDTH = 80
HEIGHT = 60  # enough for every row
TITLE = "scripts/demo"
_WEB_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # a picture loads nothing


def save_picture(path: Path, snapshot: Snapshot, ledger: Ledger) -> None:
    """Write the latest table and the ledger as SVG."""
    console = Console(
        record=True,
        width=WIDTH,
        height=HEIGHT,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    console.print(table(snapshot, HEIGHT, WIDTH))
    console.print()
    for line in ledger.lines():
        console.print(Text(line))
    svg = console.export_svg(title=TITLE, unique_id="demo")
    path.write_text(_WEB_FONT.sub("", svg), encoding="utf-8")
