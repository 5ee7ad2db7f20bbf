"""wire/, drivers/ and firmware/ stay within what MicroPython can do; the finder finds what it should."""

import subprocess
from pathlib import Path

import pytest

from hil_tests.interpreters import micropython
from tests.dialect import OWN_PACKAGES, problems

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(path for package in OWN_PACKAGES for path in (ROOT / package).rglob("*.py"))
IDS = [str(path.relative_to(ROOT)) for path in FILES]

# One snippet and a word of the reason that must be given for it.
FORBIDDEN = [
    ("from __future__ import annotations", "annotations"),
    ("from typing import Any", "builtins"),
    ("import enum", "const"),
    ("import dataclasses", "write the class"),
    ("import abc", "docstring"),
    ("import logging", "console log"),
    ("import functools", "write the function"),
    ("import contextlib", "finally"),
    ("import hmac", "sha256"),
    ("import pathlib", "not a module"),
    ("import gateway.store", "not a module"),
    ("from . import framing", "absolute"),
    ("match x:\n    case 1: pass", "match"),
    ("try: pass\nexcept* OSError: pass", "except*"),
    ("assert size < 4", "-O1"),
    ("def f(a, /): pass", "positional-only"),
    ("f = lambda a, /: a", "positional-only"),
    ("d = {**a, 1: 2}", "update"),
    ("x = [*a, 1]", "concatenate"),
    ("x = (*a, 1)", "concatenate"),
    ("def f(): return *a, 1", "concatenate"),
    ("with (open(a) as f, open(b) as g): pass", "parentheses"),
    ("with (\n    open(a) as f,\n): pass", "parentheses"),
    ("class A(metaclass=M): pass", "metaclass"),
    ("class A(KeyError, ValueError): pass", "two bases"),
    ("try: f()\nexcept OSError as err: raise ValueError('x') from err", "from None"),
    ("del buf[:2]", "del of a slice"),
    ("x = buf[::2]", "step 1"),
    ("x = buf[::-1]", "step 1"),
    ("x = n.to_bytes(2, 'big', signed=True)", "signed"),
    ("x = view.cast('H')", "cast"),
    ("x = text.removeprefix('a')", "removeprefix"),
    ("x = zip(a, b, strict=True)", "strict"),
    ("x = n.bit_length()", "bit_length"),
    ("x = digest.hexdigest()", "hexlify"),
    ("x = deque([], maxlen=4)", "maxlen"),
    ("x = text.split(sep=',')", "sep"),
    ("x = isinstance(a, int | str)", "tuple of types"),
    ("import asyncio\nasync def f():\n    async with asyncio.timeout(1): pass", "wait_for"),
    ("import asyncio\nasync def f():\n    async with asyncio.TaskGroup() as g: pass", "gather"),
    ("import asyncio\nq = asyncio.Queue()", "Event"),
    ("from asyncio import Queue", "Event"),
    ("import asyncio\ns = asyncio.Semaphore(1)", "Semaphore"),
    ("async def f():\n    yield 1", "async generators"),
    ("async def f(): return [x async for x in y]", "async comprehensions"),
    ("import binascii\nx = binascii.crc_hqx(b'', 0)", "crc_hqx"),
    ("import time\nx = time.monotonic()", "ticks_us"),
    ("try: pass\nexcept: pass", "Ctrl-C"),
]

ALLOWED = [
    "x = f'{a:02x} {b!r}' if (n := 1) else ''",
    "def f(*, key: 'int | None' = None): pass",
    "def f():\n    n = 0\n    def g():\n        nonlocal n\n    yield from h()",
    "with open(a) as f, open(b) as g: pass",
    "with (open(a)) as f: pass",
    "try: f()\nexcept OSError: raise ValueError('x') from None",
    "buf[:2] = b''",
    "del items[0]",
    "f(*items, **options)",
    "first, *rest = items",
    "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from typing import Any",
    "from wire.compat import const\nfrom drivers.bme280 import BME280",
    "import asyncio\nasync def f(): await asyncio.wait_for(g(), 1)",
    "from collections import deque\nq = deque((), 4)",
    "x = int.from_bytes(buf[2:4], 'big')",
]


@pytest.mark.parametrize(("snippet", "word"), FORBIDDEN)
def test_what_micropython_lacks_is_found_with_its_reason(snippet: str, word: str) -> None:
    assert word in " ".join(problem.reason for problem in problems(snippet))


@pytest.mark.parametrize("snippet", ALLOWED)
def test_what_both_runtimes_can_do_is_let_through(snippet: str) -> None:
    assert problems(snippet) == []


def test_a_problem_names_its_line() -> None:
    assert [problem.line for problem in problems("x = 1\nassert x\n\ny = [*x]\n")] == [2, 4]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_shared_source_keeps_to_the_dialect(path: Path) -> None:
    found = [f"{path.relative_to(ROOT)}:{p.line}: {p.reason}" for p in problems(path.read_text())]
    assert not found, "\n".join(found)


def test_micropython_compiles_every_shared_file() -> None:
    script = (
        "import sys\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        with open(name) as file: compile(file.read(), name, 'exec')\n"
        "    except SyntaxError as error: sys.print_exception(error, sys.stderr)\n"
    )
    command = [str(micropython()), "-c", script, *map(str, FILES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=8)
    assert FILES
    assert done.stderr == ""
