"""Who may import whom, and what must not stand in which file (docs/architecture.md)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Package -> the packages of ours that it may import besides itself.
MAY_IMPORT: dict[str, set[str]] = {
    "wire": set(),
    "drivers": {"wire"},
    "firmware": {"wire", "drivers"},
    "gateway": {"wire", "drivers"},
    "provisioning": {"wire"},
    "hil_tests": {"wire", "drivers", "firmware", "gateway", "provisioning"},
    "tests": {"wire", "drivers", "firmware", "gateway", "provisioning", "hil_tests"},
}

BOARD = ("firmware/board", "firmware/main.py", "firmware/launch.py")
# Module of others -> the only places of ours that may import it, and why.
RESERVED = {
    "machine": (BOARD, "the launcher comes before board.py and board_buses.py, which know the board's pins"),
    "esp32": (BOARD[:1], "board.py and board_buses.py know the board's chip"),
    "apsw": (("gateway/store/",), "one writer owns the database"),
    "sqlite3": (("gateway/store/",), "one writer owns the database, through apsw"),
}
RESERVED_IN = {"wire", "drivers", "firmware", "gateway", "provisioning"}

LONGEST_FILE = 300
LONG_BECAUSE = re.compile(r"# Over \d+ lines because .{10,}")

SQL = re.compile(
    r"\b(SELECT .+ FROM|INSERT (OR \w+ )?INTO|UPDATE \w+ SET|DELETE FROM|REPLACE INTO|PRAGMA \w+"
    r"|(CREATE|DROP|ALTER) (TABLE|INDEX|VIEW|TRIGGER))\b",
    re.DOTALL,
)

# Put together here so that this file does not hold what it looks for.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("piwheels", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("snapshot", "debian", "org"),
        ("archive", "raspberrypi"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("ghcr", "io"),
        ("docker", "io"),
    )
]
MACHINE_PATH = re.compile(r"(?<![\w.})\]>*~-])/(work|root|workspace|home/(?!pi\b)\w+)/")

_LEFT_OUT = {".git", ".venv", ".cache", "build", "dist", "__pycache__"}
_TEXT = {".py", ".md", ".toml", ".lock", ".sql", ".json", ".cddl", ".txt", ".service", ".conf", ".rules", ""}


def files_of_the_project() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        inside = path.relative_to(ROOT)
        hidden = any(part.startswith(".") and part != ".ci" for part in inside.parts[:-1])
        left_out = _LEFT_OUT.intersection(inside.parts) or any(p.endswith(".egg-info") for p in inside.parts)
        if path.is_file() and not hidden and not left_out and path.suffix in _TEXT:
            yield inside


PROJECT = list(files_of_the_project())
MODULES = [path for path in PROJECT if path.suffix == ".py" and path.parts[0] in MAY_IMPORT]


def tree_of(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), str(path))


def imports_of(tree: ast.AST) -> set[str]:
    """The full dotted names that a module imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or ".")
    return found


def forbidden_imports(path: Path, tree: ast.AST) -> list[str]:
    package = path.parts[0]
    found = []
    for name in sorted(imports_of(tree)):
        root = name.partition(".")[0]
        if root in MAY_IMPORT and root != package and root not in MAY_IMPORT[package]:
            found.append(f"{path}: {package} must not import {name}")
        places, why = RESERVED.get(root, ((), ""))
        if places and package in RESERVED_IN and not str(path).startswith(places):
            found.append(f"{path}: only {', '.join(places)} imports {root}: {why}")
    return found


def sql_in(tree: ast.AST) -> list[str]:
    """The string constants of a module that hold SQL; docstrings may speak of it."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in docstrings and SQL.search(node.value)
    ]


def text_problems(path: Path, text: str) -> list[str]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        found += [f"{path}:{number}: names the registry {name}" for name in REGISTRIES if name in line]
        if MACHINE_PATH.search(line):
            found.append(f"{path}:{number}: names a path of one machine")
    return found


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_imports_only_what_its_package_may(path: Path) -> None:
    found = forbidden_imports(path, tree_of(path))
    assert not found, "\n".join(found)


def test_sql_stands_in_the_store_only() -> None:
    in_code = [
        f"{path}: {sql[:60]!r}"
        for path in MODULES
        if path.parts[0] in RESERVED_IN and not str(path).startswith("gateway/store/")
        for sql in sql_in(tree_of(path))
    ]
    in_files = [str(p) for p in PROJECT if p.suffix == ".sql" and not str(p).startswith("gateway/store/")]
    assert in_code + in_files == []


def test_a_long_file_says_why_in_its_first_comment() -> None:
    code = [path for path in PROJECT if path.suffix == ".py" or path.parts[0] in {"scripts", ".ci"}]
    unexplained = []
    for path in code:
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        comments = [line for line in lines if line.startswith("#") and not line.startswith("#!")]
        if len(lines) > LONGEST_FILE and not (comments and LONG_BECAUSE.match(comments[0])):
            unexplained.append(f"{path}: {len(lines)} lines")
    advice = f"find the second noun and split, or begin with '# Over {LONGEST_FILE} lines because ...'"
    assert not unexplained, "\n".join([advice, *unexplained])


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    found = []
    for path in PROJECT:
        found += text_problems(path, (ROOT / path).read_text(encoding="utf-8"))
    assert not found, "\n".join(found)


BAD_IMPORTS = [
    ("wire/framing.py", "from drivers import bme280", "wire must not import drivers"),
    ("drivers/hx711.py", "import machine", "firmware/launch.py imports machine"),
    ("firmware/app.py", "import machine", "firmware/launch.py imports machine"),
    ("gateway/agent.py", "import firmware.queue", "gateway must not import firmware"),
    ("gateway/agent.py", "import apsw", "only gateway/store/ imports apsw"),
    ("gateway/cli.py", "def f():\n    from hil_tests import broker", "gateway must not import hil_tests"),
    ("provisioning/cli.py", "from gateway.config import Config", "provisioning must not import gateway"),
]


@pytest.mark.parametrize(("path", "source", "expected"), BAD_IMPORTS)
def test_a_forbidden_import_is_found(path: str, source: str, expected: str) -> None:
    assert expected in "".join(forbidden_imports(Path(path), ast.parse(source)))


def test_an_allowed_import_is_let_through() -> None:
    source = "import asyncio\nimport gateway.clock\nfrom wire.framing import stuff\nimport drivers.bme280"
    assert forbidden_imports(Path("gateway/agent.py"), ast.parse(source)) == []


def test_sql_is_told_from_prose() -> None:
    source = '"""INSERT INTO is for the store."""\nx = "SELECT id FROM blocks"\ny = "please select a port"'
    assert sql_in(ast.parse(source)) == ["SELECT id FROM blocks"]


@pytest.mark.parametrize(
    "line", [f"see https://{REGISTRIES[0]}/x", f"see {'/work'}/main/x", f"{'/home'}/jo/x"]
)
def test_a_registry_or_machine_path_is_found(line: str) -> None:
    assert text_problems(Path("docs/x.md"), line)


def test_ordinary_paths_are_let_through() -> None:
    assert (
        text_problems(Path("docs/x.md"), "a/work/b, $HOME/x, /home/pi/x, /var/lib/fieldgate, ./root/x") == []
    )
