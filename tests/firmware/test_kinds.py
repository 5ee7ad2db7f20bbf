"""Every kind of sensor is named, can be loaded, and is explained."""

import ast
from pathlib import Path

from firmware import kinds

ROOT = Path(__file__).resolve().parents[2]


def test_every_kind_is_named_and_every_name_has_its_kind():
    files = {path.stem.removeprefix("kind_") for path in (ROOT / "firmware").glob("kind_*.py")}
    assert files == set(kinds.names())
    for name in files:
        assert callable(kinds.of(name).take)
        assert callable(kinds.of(name).make)


def test_every_key_of_every_kind_is_in_the_manual():
    manual = (ROOT / "docs" / "firmware.md").read_text(encoding="utf-8")
    for name in kinds.names():
        rows = "".join(line for line in manual.splitlines() if line.startswith(f"| {name}: "))
        tree = ast.parse((ROOT / "firmware" / f"kind_{name}.py").read_text(encoding="utf-8"))
        take = next(node for node in tree.body if getattr(node, "name", "") == "take")
        keys = {
            node.slice.value
            for node in ast.walk(take)
            if isinstance(node, ast.Subscript)
            and ast.unparse(node.value) == "out"
            and isinstance(node.slice, ast.Constant)
        }
        assert keys, name
        assert [key for key in sorted(keys) if f"`.{key}`" not in rows] == [], name
