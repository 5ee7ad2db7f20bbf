"""On which line a key of a TOML text stands: tomllib does not tell. TOML 1.0."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

KeyPath = tuple[str | int, ...]  # ("port", 1, "baud") is baud of the second [[port]]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r'[ \t]*([A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\')[ \t]*')
_STRING = re.compile(
    r'"""(?:\\[\s\S]|[\s\S])*?"""(?:"{1,2}(?!"))?'
    r"|'''[\s\S]*?'''(?:'{1,2}(?!'))?"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
)
_SCALAR = re.compile(r"[^,\]}\n#]*")


class TomlLines:
    """Lines of one text that tomllib has accepted; counted from 1."""

    def __init__(self, text: str) -> None:
        self._lines: Mapping[KeyPath, int] = _Scanner(text).scan()

    def line_of(self, path: KeyPath) -> int | None:
        """Where the key or table stands; else its nearest table that has a line; None for the root."""
        for length in range(len(path), 0, -1):
            line = self._lines.get(path[:length])
            if line is not None:
                return line
        return None


class _Scanner:
    """Walks over keys and values without keeping the values."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lines: dict[KeyPath, int] = {}
        self._arrays: dict[KeyPath, int] = {}  # arrays of tables: how many there are

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._skip_blank():
            before = self._at
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)
            if self._at == before:  # not TOML as we know it: say less, never hang
                break
        return self._lines

    def _skip_blank(self) -> bool:
        match = _BLANK.match(self._text, self._at)
        if match:
            self._at = match.end()
        return self._at < len(self._text)

    def _header(self) -> KeyPath:
        line = self._line()
        double = self._text.startswith("[[", self._at)
        self._at += 2 if double else 1
        keys = self._keys()
        self._at += 2 if double else 1
        path: KeyPath = ()
        for key in keys[:-1]:
            path = self._inside((*path, key))
        path = (*path, *keys[-1:])
        if double:
            self._lines.setdefault(path, line)
            self._arrays[path] = self._arrays.get(path, 0) + 1
            path = self._inside(path)
        self._lines.setdefault(path, line)
        return path

    def _inside(self, path: KeyPath) -> KeyPath:
        """A header below an array of tables means its latest table."""
        count = self._arrays.get(path)
        return path if count is None else (*path, count - 1)

    def _pair(self, table: KeyPath) -> None:
        line = self._line()
        path = table
        for key in self._keys():
            path = (*path, key)
            self._lines.setdefault(path, line)
        self._at += 1  # the equals sign
        self._value(path)

    def _keys(self) -> list[str]:
        keys = []
        while match := _KEY.match(self._text, self._at):
            self._at = match.end()
            keys.append(_unquoted(match[1]))
            if not self._text.startswith(".", self._at):
                break
            self._at += 1
        return keys

    def _value(self, path: KeyPath) -> None:
        self._skip_blank()
        first = self._text[self._at : self._at + 1]
        if first == "{":
            self._items("}", path)
        elif first == "[":
            self._items("]", path)
        else:
            match = _STRING.match(self._text, self._at) or _SCALAR.match(self._text, self._at)
            if match:
                self._at = match.end()

    def _items(self, end: str, path: KeyPath) -> None:
        """The inside of an inline table or an array."""
        self._at += 1
        index = 0
        while self._skip_blank() and not self._text.startswith(end, self._at):
            before = self._at
            if end == "}":
                self._pair(path)
            else:
                self._lines.setdefault((*path, index), self._line())
                self._value((*path, index))
                index += 1
            self._skip_blank()
            if self._text.startswith(",", self._at):
                self._at += 1
            if self._at == before:
                return
        self._at += 1

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1


def _unquoted(key: str) -> str:
    if not key.startswith('"'):
        return key.strip("'")
    try:
        return str(tomllib.loads(f"k = {key}")["k"])
    except tomllib.TOMLDecodeError:  # not in a text that tomllib accepts
        return key
