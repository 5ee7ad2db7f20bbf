"""The numbered steps from an empty database to the present one; PRAGMA user_version counts them."""

from __future__ import annotations

from importlib import resources


def steps() -> list[str]:
    """The scripts in order; the step from version n to n + 1 is the one at index n."""
    files = resources.files(__name__).iterdir()
    scripts = sorted((file.name, file) for file in files if file.name.endswith(".sql"))
    return [file.read_text(encoding="utf-8") for _name, file in scripts]
