"""`fieldgate remote` beside the gateway of a story."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil_tests.bench import Bench, NodeBoard


def command(bench: Bench, node: NodeBoard, *arguments: str) -> list[str]:
    """`fieldgate remote` about this node."""
    config = bench.gateway.state.parent / "remote.toml"
    config.write_text(f'[gateway]\nstate_directory = "{bench.gateway.state}"\n[[port]]\nglob = "/dev/x"\n')
    return [sys.executable, "-m", "gateway.cli", "remote", node.uid, *arguments, "--config", str(config)]


def remote(bench: Bench, node: NodeBoard, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same, to its end."""
    whole = command(bench, node, *arguments)
    return subprocess.run(whole, capture_output=True, text=True, timeout=80, check=False)


def as_file(bench: Bench, settings: object, spaces: int = 0) -> str:
    """A file with these settings, as long as one likes."""
    path = bench.gateway.state.parent / "wanted.json"
    path.write_text(json.dumps(settings) + " " * spaces)
    return str(path)
