"""A TOML table into a frozen dataclass whose fields say what they take.

Every problem is noted and reading goes on, so that one run shows all of them.
"""

from __future__ import annotations

import dataclasses
import difflib
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.toml_lines import KeyPath

_CHECK = "check"  # a callable: gives the value or raises ValueError with the end of a sentence
_TABLE = "table"  # a dataclass: the key holds a table of this kind
_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the key at `path`."""

    path: KeyPath
    message: str


def setting(check: Callable[[Any], object], default: object = dataclasses.MISSING) -> Any:  # noqa: ANN401 - as field()
    """A dataclass field that `read` fills from the key of its name. No default: the key must be there."""
    if callable(default):
        return dataclasses.field(default_factory=default, metadata={_CHECK: check})
    return dataclasses.field(default=default, metadata={_CHECK: check})


def table(kind: type) -> Any:  # noqa: ANN401 - as field()
    """A dataclass field that `read` fills from the table of its name; None where there is none."""
    return dataclasses.field(default=None, metadata={_TABLE: kind})


def settings(kind: type) -> list[str]:
    """The keys that a table of this kind may have, but for tables."""
    return [field.name for field in dataclasses.fields(kind) if _CHECK in field.metadata]


def read(kind: type[_T], table: Mapping[str, object], path: KeyPath, problems: list[Problem]) -> _T | None:
    """An instance of the dataclass `kind` from the table at `path`; None when a problem was noted."""
    before = len(problems)
    values: dict[str, object] = {}
    tables = []
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        if _TABLE in field.metadata:
            tables.append(field.name)
            inner = (*path, field.name)
            if isinstance(table.get(field.name), dict):
                values[field.name] = read_one(field.metadata[_TABLE], table, inner, problems)
            elif field.name in table:
                subtable(table, inner, problems)
        if _CHECK not in field.metadata:
            continue
        if field.name in table:
            try:
                values[field.name] = field.metadata[_CHECK](table[field.name])
            except ValueError as error:
                problems.append(Problem((*path, field.name), f"{field.name} in {title(path)} {error}"))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            problems.append(Problem(path, f"{title(path)} has no key '{field.name}', which it must have"))
    unknown_keys(table, settings(kind) + tables, path, problems)
    return kind(**values) if len(problems) == before else None


def read_one(
    kind: type[_T], parent: Mapping[str, object], path: KeyPath, problems: list[Problem]
) -> _T | None:
    """The table [path], where `parent` is the table around it. A table that is not there is empty."""
    return read(kind, subtable(parent, path, problems), path, problems)


def subtable(parent: Mapping[str, object], path: KeyPath, problems: list[Problem]) -> dict[str, object]:
    """The table [path] as it is; empty when it is not there."""
    value = parent.get(str(path[-1]), {})
    if isinstance(value, dict):
        return value
    problems.append(Problem(path, f"{title(path)} must be one table, in single brackets"))
    return {}


def read_many(
    kind: type[_T], parent: Mapping[str, object], path: KeyPath, limit: int, problems: list[Problem]
) -> list[_T | None]:
    """The tables [[path]], at most `limit`; None in place of one with a problem."""
    value = parent.get(str(path[-1]), [])
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        problems.append(
            Problem(path, f"{title((*path, 0))} must stand in double brackets: there may be several")
        )
        return []
    if len(value) > limit:
        problems.append(
            Problem((*path, limit), f"{title((*path, 0))} may be there {limit} times, not {len(value)}")
        )
    return [read(kind, each, (*path, index), problems) for index, each in enumerate(value[:limit])]


def unknown_keys(
    table: Mapping[str, object], known: list[str], path: KeyPath, problems: list[Problem]
) -> None:
    """Note every key of the table that is not known, with the nearest that is."""
    for key in table:
        if key in known:
            continue
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"it takes {', '.join(known)}"
        where = f" in {title(path)}" if path else ""
        problems.append(Problem((*path, key), f"unknown key '{key}'{where}; {hint}"))


def title(path: KeyPath) -> str:
    """The table as its header is written: [store], [[port]], [[sink.mqtt]]."""
    name = ".".join(part for part in path if isinstance(part, str))
    return f"[[{name}]]" if path and isinstance(path[-1], int) else f"[{name}]"
