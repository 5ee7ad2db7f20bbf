"""What MicroPython 1.25 lacks, as tables, and a reader of source that finds it.

`wire/`, `drivers/` and `firmware/` are one source for two runtimes. Every row here was tried on the
32-bit MicroPython that scripts/setup unpacks, or comes from the style of the project; a compiler
(mpy-cross) finds the syntax too, but none finds a missing method before the board does.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

# Modules that MicroPython's ESP32 port brings. Anything else is absent there.
MODULES = frozenset(
    "array asyncio binascii collections cryptolib deflate errno esp32 gc hashlib heapq io json machine math "
    "micropython network onewire os random re select socket ssl struct sys time uctypes umqtt vfs".split()
)
OWN_PACKAGES = frozenset({"wire", "drivers", "firmware"})
BESIDE_MAIN = "launch"  # firmware/launch.py, once more beside the slots

MODULES_WITH_A_SUBSTITUTE = {
    "__future__": "annotations are not evaluated anyway",
    "abc": "say the shape in a docstring",
    "contextlib": "use try and finally",
    "dataclasses": "write the class",
    "enum": "use const() names",
    "functools": "write the function",
    "hmac": "compute it from hashlib.sha256",
    "logging": "print goes to the console log",
    "typing": "annotate with builtins; import other names under `if TYPE_CHECKING:`",
}

# Attribute -> why. Only names that nothing of ours is likely to carry.
ATTRIBUTES = {
    "add_note": "exceptions have no notes",
    "bit_count": "integers lack it",
    "bit_length": "integers lack it",
    "capitalize": "strings lack it",
    "casefold": "strings lack it",
    "cast": "memoryviews lack it",
    "clock_gettime": "time lacks it; use ticks_us",
    "crc_hqx": "binascii lacks it",
    "create_subprocess_exec": "asyncio lacks it",
    "expandtabs": "strings lack it",
    "fullmatch": "re lacks it",
    "get_running_loop": "asyncio lacks it",
    "hexdigest": "hashes lack it; hexlify the digest",
    "isalnum": "strings lack it",
    "isascii": "strings lack it",
    "isqrt": "math lacks it",
    "iter_unpack": "struct lacks it",
    "ljust": "strings lack it; use a format",
    "maketrans": "strings lack it",
    "monotonic": "time lacks it; use ticks_us",
    "monotonic_ns": "time lacks it; use ticks_us",
    "nbytes": "memoryviews lack it; use len",
    "perf_counter": "time lacks it; use ticks_us",
    "randbytes": "random lacks it; use os.urandom",
    "removeprefix": "strings lack it; slice",
    "removesuffix": "strings lack it; slice",
    "rjust": "strings lack it; use a format",
    "Semaphore": "asyncio lacks it",
    "shield": "asyncio lacks it",
    "strerror": "OSError lacks it",
    "swapcase": "strings lack it",
    "TaskGroup": "asyncio lacks it; use gather",
    "tobytes": "memoryviews lack it; use bytes()",
    "tolist": "memoryviews lack it; use list()",
    "toreadonly": "memoryviews lack it",
    "translate": "strings lack it",
    "with_traceback": "exceptions lack it",
    "zfill": "strings lack it; use a format",
}

# (module, name) -> why: names that something of ours may well carry elsewhere.
MODULE_ATTRIBUTES = {
    ("asyncio", "Queue"): "asyncio lacks it; use an Event and a list",
    ("asyncio", "timeout"): "asyncio lacks it; use wait_for",
    ("asyncio", "to_thread"): "asyncio lacks it",
    ("asyncio", "wait"): "asyncio lacks it",
    ("collections", "Counter"): "collections lacks it",
    ("collections", "defaultdict"): "collections lacks it",
    ("struct", "Struct"): "struct lacks it",
}

# (called name or None for any, keyword) -> why
KEYWORDS: dict[tuple[str | None, str | None], str] = {
    (None, "signed"): "to_bytes and from_bytes take no keyword; use struct",
    ("decode", "encoding"): "takes no keyword",
    ("deque", "maxlen"): "takes no keyword; deque((), n)",
    ("dumps", "sort_keys"): "takes only separators",
    ("encode", "encoding"): "takes no keyword",
    ("int", "base"): "takes no keyword",
    ("print", "flush"): "has no flush",
    ("split", "maxsplit"): "takes no keyword",
    ("split", "sep"): "takes no keyword",
    ("sum", "start"): "takes no keyword",
    ("zip", "strict"): "takes no keyword",
}

_SYNTAX = {
    ast.Assert: "mpy-cross -O1 removes it: raise instead",
    ast.Match: "no match statement",
    ast.TryStar: "no except*",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One line that MicroPython refuses or does otherwise, and why."""

    line: int
    reason: str


def problems(source: str) -> list[Problem]:
    """Everything in one module's source that the dialect forbids, in the order of its lines."""
    tree = ast.parse(source)
    only_for_types = _imported_only_for_types(tree)
    found = [
        Problem(line=getattr(node, "lineno", 1), reason=reason)
        for node in ast.walk(tree)
        if node not in only_for_types
        for reason in _reasons(node, source)
    ]
    return sorted(found, key=lambda problem: problem.line)


def _imported_only_for_types(tree: ast.AST) -> set[ast.AST]:
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }


def _reasons(node: ast.AST, source: str) -> Iterator[str]:
    if reason := _SYNTAX.get(type(node)):
        yield reason
    match node:
        case ast.Import(names=names):
            for name in names:
                yield from _module(name.name)
        case ast.ImportFrom(module=module, names=names, level=level):
            if level:
                yield "imports are absolute"
            yield from _module(module or "")
            for name in names:
                yield from _attribute(module, name.name)
        case ast.Attribute(value=value, attr=attr):
            yield from _attribute(value.id if isinstance(value, ast.Name) else None, attr)
        case ast.Call():
            yield from _call(node)
        case ast.ClassDef(bases=bases, keywords=keywords):
            if len(bases) > 1:
                yield "a class with two bases of C layout fails: use one base"
            if keywords:
                yield "no metaclass, no class keywords"
        case ast.Raise(cause=cause) if cause and not (
            isinstance(cause, ast.Constant) and cause.value is None
        ):
            yield "no exception chaining: raise ... from None"
        case ast.arguments(posonlyargs=[_, *_]):
            yield "no positional-only parameters"
        case ast.Dict(keys=keys) if None in keys:
            yield "no ** in a dict display: use update"
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            if isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and _starred(items):
                yield "no * in a display: concatenate"
        case ast.Slice(step=step) if step:
            yield "bytes and arrays slice with step 1 only: loop over range"
        case ast.Delete(targets=targets) if any(_is_slice(target) for target in targets):
            yield "no del of a slice of bytes: assign b''"
        case ast.With() | ast.AsyncWith():
            if _is_parenthesised(node, source):
                yield "no parentheses round the items of with"
        case ast.AsyncFunctionDef():
            if any(isinstance(inner, ast.Yield) for inner in ast.walk(node)):
                yield "no async generators"
        case ast.comprehension(is_async=1):
            yield "no async comprehensions"
        case ast.ExceptHandler(type=None):
            yield "a bare except swallows the technician's Ctrl-C"


def _module(name: str) -> Iterator[str]:
    root = name.partition(".")[0]
    if root not in MODULES and root not in OWN_PACKAGES and root != BESIDE_MAIN:
        yield f"{name}: {MODULES_WITH_A_SUBSTITUTE.get(root, 'not a module of MicroPython on the ESP32')}"


def _attribute(owner: str | None, name: str) -> Iterator[str]:
    if reason := ATTRIBUTES.get(name) or MODULE_ATTRIBUTES.get((owner or "", name)):
        yield f"{name}: {reason}"


def _call(call: ast.Call) -> Iterator[str]:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)
    for keyword in call.keywords:
        if reason := KEYWORDS.get((None, keyword.arg)) or KEYWORDS.get((name, keyword.arg)):
            yield f"{name}({keyword.arg}=): {reason}"
    if name == "isinstance" and len(call.args) == 2 and isinstance(call.args[1], ast.BinOp):
        yield "isinstance takes a tuple of types, not a union"


def _starred(items: list[ast.expr]) -> bool:
    return any(isinstance(item, ast.Starred) for item in items)


def _is_slice(target: ast.expr) -> bool:
    return isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice)


def _is_parenthesised(node: ast.With | ast.AsyncWith, source: str) -> bool:
    """Whether `with (a as b, c as d):` was written: the tree does not tell, the text does."""
    head = (ast.get_source_segment(source, node) or "").partition("with")[2].lstrip()
    named = len(node.items) > 1 or node.items[0].optional_vars is not None
    depth = 0
    for at, character in enumerate(head):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return named and head.startswith("(") and head[at + 1 :].lstrip().startswith(":")
    return False
