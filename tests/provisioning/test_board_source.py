"""What is left out of a board's application changes nothing of what it does."""

import ast

from provisioning import application
from provisioning.board_source import Reduction

LIMITS = """\
from wire.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = const(0x10)  # octets
LEAST = const(-1)
MARK = const(b"\\x7e")
BOTH = const((MOST, LEAST))
KEPT = 5


def room(octets: "Any") -> int:
    return MOST - len(octets)
"""
USER = """\
from a import limits
from a.limits import (
    KEPT,
    MARK,
)


def frame(octets):
    from a.limits import LEAST  # rare

    return MARK + octets[LEAST:limits.MOST] + MARK * KEPT
"""


def reduced(**sources):
    reduction = Reduction({name.replace("__", "."): source for name, source in sources.items()})
    return [reduction.of(name.replace("__", ".")) for name in sources]


def test_a_constant_stands_as_its_value_in_every_module():
    limits, user = reduced(a__limits=LIMITS, a__user=USER)
    assert "return (16) - len(octets)" in limits
    assert "return (b'~') + octets[(-1):(16)] + (b'~') * KEPT" in user
    assert {"MOST", "LEAST", "MARK", "TYPE_CHECKING"}.isdisjoint(names_of(limits))


def test_line_numbers_stay():
    for before, after in zip((LIMITS, USER), reduced(a__limits=LIMITS, a__user=USER), strict=True):
        assert before.count("\n") == after.count("\n")
        assert line_of(before, "return") == line_of(after, "return")


def test_what_is_no_constant_is_imported_as_before():
    limits, user = reduced(a__limits=LIMITS, a__user=USER)
    assert "from a.limits import KEPT\n" in user
    assert "KEPT = 5" in limits
    assert "BOTH = const(((16), (-1)))" in limits  # the compiler folds it


def test_a_name_that_is_something_else_somewhere_is_left_alone():
    user = USER + "\n\ndef other(MOST):\n    return MOST\n"
    limits, user = reduced(a__limits=LIMITS, a__user=user)
    assert "MOST = const(0x10)" in limits
    assert "limits.MOST" in user


def test_what_the_launcher_names_is_there_for_it():
    reduction = Reduction({"a.limits": LIMITS}, "from a.limits import MOST\n")
    assert "MOST = const(0x10)" in reduction.of("a.limits")
    assert "LEAST = " not in reduction.of("a.limits")


def test_both_branches_of_a_choice_at_run_time_stay():
    [source] = reduced(a="TYPE_CHECKING = False\nif TYPE_CHECKING:\n    x = 1\nelse:\n    x = 2\n")
    assert source.startswith("TYPE_CHECKING = False\nif TYPE_CHECKING:\n")


def test_the_application_imports_only_what_its_modules_still_have():
    sources = application.reduced_sources()
    imported = 0
    for module, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.module in sources:
                for alias in node.names:
                    imported += 1
                    has = alias.name in names_of(sources[node.module])
                    assert has or f"{node.module}.{alias.name}" in sources, (module, alias.name)
    assert imported > 50


def names_of(source):
    found = set()
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.ImportFrom(names=names):
                found |= {alias.name for alias in names}
    return found


def line_of(source, word):
    return next(at for at, line in enumerate(source.splitlines()) if word in line)
