"""What a node says in words: the text between its frames, and its LOG messages."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from gateway.counters import printable

if TYPE_CHECKING:
    from gateway.counters import Counters
    from gateway.nodes import Node
    from wire.up import Log

log = logging.getLogger(__name__)

LINE_SHOWN = 256


class ConsoleLog:
    """Of one line; `node` is who is on it, as far as that is known."""

    def __init__(self, path: str, counters: Counters) -> None:
        self._path = path
        self._counters = counters
        self._begun = b""  # a line whose end has not come

    def text(self, octets: bytes, node: Node | None) -> None:
        """Octets between frames, as they come."""
        if not octets:
            return
        *lines, self._begun = (self._begun + octets).split(b"\n")
        self._begun = self._begun[-LINE_SHOWN:]
        for line in lines:
            shown = printable(line, LINE_SHOWN)
            self._counters.count("console_lines")
            if node is not None:
                node.console.append(shown)
            log.debug("%s: console: %s", self._path, shown)

    def message(self, said: Log, node: Node) -> None:
        """A LOG."""
        self._counters.count("node_log_lines")
        text = printable(f"{said.level}: {said.text}".encode(), LINE_SHOWN)
        node.console.append(text)
        log.info("node %s says %s", node.name, text)
