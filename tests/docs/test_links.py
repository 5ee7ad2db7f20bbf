"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += sorted(ROOT.glob("[!.]*/README.md"))  # a cache of a tool may have one, too
LINK = re.compile(r"\]\(([^)\s]+)\)")
# A path of this project, in backticks: its first part is one of the project's folders.
PATH = re.compile(
    r"`((?:wire|drivers|firmware|gateway|provisioning|hil_tests|tests|scripts|deploy|docs|benchmarks|requirements)"
    r"/[\w./-]*[\w])`"
)
# Named as something to come, or as the reader's own.
NOT_THERE = {"drivers/NAME.py", "gateway/sinks/NAME.py"}


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    missing = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        found = page.parent / name if name else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            missing.append(target)
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_in_the_text_is_there(page):
    named = set(PATH.findall(page.read_text(encoding="utf-8"))) - NOT_THERE
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_every_document_is_linked_from_the_readme():
    linked = set(LINK.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= linked
