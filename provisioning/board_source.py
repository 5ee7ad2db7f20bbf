"""Sources without what a board need not keep in its RAM: `Reduction(sources).of(module)`.

A constant of `const()` stands as its value wherever it is used, in other modules, too; its name, its global
and its imports are gone, and so is what is for type checkers. The compiler does the like within one
module only. Line numbers stay as they are, for tracebacks.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_CONST = "const"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Edit:
    """Columns `begin` to `end`, in octets, of one line."""

    line: int
    begin: int
    end: int
    text: str


class Reduction:
    """`sources`: module -> source text. What `as_is`, a source that stays whole, may name is kept for it."""

    def __init__(self, sources: Mapping[str, str], as_is: str = "") -> None:
        self._sources = sources
        self._trees = {module: ast.parse(source) for module, source in sources.items()}
        other = {name for tree in self._trees.values() for name in _bound_otherwise(tree)}
        other |= set(_WORD.findall(as_is))
        self._constants = {
            module: {name: value for name, value in _constants(tree) if name not in other}
            for module, tree in self._trees.items()
        }

    def of(self, module: str) -> str:
        """The source to compile in place of the module's own."""
        tree = self._trees[module]
        values = self._values_in(tree, self._constants[module])
        lines = self._sources[module].encode().splitlines(keepends=True)
        for edit in sorted(_uses(tree, values), key=lambda edit: (edit.line, -edit.begin)):
            line = lines[edit.line]
            lines[edit.line] = line[: edit.begin] + edit.text.encode() + line[edit.end :]
        for node, instead in self._statements(tree, values):
            end = node.end_lineno or node.lineno
            indent = lines[node.lineno - 1][: node.col_offset]
            lines[node.lineno - 1 : end] = [indent + instead.encode() + b"\n", *[b"\n"] * (end - node.lineno)]
        return b"".join(lines).decode()

    def _values_in(self, tree: ast.Module, own: Mapping[str, str]) -> dict[str, str]:
        """What stands for a constant in this module, `NAME` or `module.NAME` -> its value as source."""
        values = dict(own)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    name = alias.asname or alias.name
                    if alias.name in (there := self._constants.get(node.module or "", {})):
                        values[name] = there[alias.name]
                    for constant, value in self._constants.get(f"{node.module}.{alias.name}", {}).items():
                        values[f"{name}.{constant}"] = value
        return values

    def _statements(self, tree: ast.Module, values: Mapping[str, str]) -> Iterator[tuple[ast.stmt, str]]:
        """Statements and what takes their place."""
        decides_at_run_time = any(isinstance(node, ast.If) and node.orelse for node in tree.body)
        for node in tree.body:
            match node:
                case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=[]):
                    yield node, ""
                case ast.Assign(targets=[ast.Name(id="TYPE_CHECKING")]) if not decides_at_run_time:
                    yield node, ""
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="const"))):
                    if name in values:
                        yield node, ""
                case _:
                    yield from self._imports(node)

    def _imports(self, statement: ast.stmt) -> Iterator[tuple[ast.stmt, str]]:
        for node in ast.walk(statement):
            if isinstance(node, ast.ImportFrom):
                gone = (
                    {_CONST} if node.module == "wire.compat" else self._constants.get(node.module or "", {})
                )
                left = [alias for alias in node.names if alias.name not in gone]
                if len(left) < len(node.names):
                    listed = ", ".join(ast.unparse(alias) for alias in left)
                    nothing = "" if node is statement else "pass"
                    yield node, f"from {node.module} import {listed}" if left else nothing


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Name and value, as source, of each constant whose value is a literal."""
    for node in tree.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="const"), args=[value])
            ):
                try:
                    yield name, f"({ast.literal_eval(value)!r})"
                except ValueError:
                    continue  # made of other constants: those stand in it as values


def _uses(tree: ast.Module, values: Mapping[str, str]) -> Iterator[_Edit]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=text, ctx=ast.Load()):
                pass
            case ast.Attribute(value=ast.Name(id=name), attr=attribute, ctx=ast.Load()):
                text = f"{name}.{attribute}"
            case _:
                continue
        if text in values and node.end_col_offset is not None:
            yield _Edit(node.lineno - 1, node.col_offset, node.end_col_offset, values[text])


def _bound_otherwise(tree: ast.Module) -> Iterator[str]:
    """Names that are something else here than a module's own, such as a parameter: they are left alone."""
    constants = {id(node.targets[0]) for node in tree.body if isinstance(node, ast.Assign)}
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if id(node) not in constants:
                yield name
            case ast.arg(arg=name):
                yield name
