"""Every link in a document of this repository that leads to another file or a heading leads somewhere."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for folder in (
        TOP,
        *(TOP / name for name in ("answer-files", "debian-src", "docs", "firstboot", "tests")),
    )
    for path in (folder.glob("*.md") if folder == TOP else folder.rglob("*.md"))
)
"""Named folder by folder, for an environment of the launcher may lie in the checkout."""


def prose(path: Path) -> str:
    """The document without what it quotes from elsewhere."""
    without_blocks = re.sub(r"^ *```.*?^ *```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(`+).+?\1", lambda code: code[0] if "](" not in code[0] else "", without_blocks)


def anchors(path: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(path), flags=re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}


def targets(path: Path) -> list[str]:
    """Where the document's links lead: in the line, or by a name that is defined below."""
    text = prose(path)
    named = dict(re.findall(r"^\[([^]]+)\]: (\S+)$", text, flags=re.MULTILINE))
    used = re.findall(r"\]\[([^]]+)\]", text)
    return [
        *re.findall(r"\]\(([^)\s]+)\)", text),
        *named.values(),
        *(f"[{name}]" for name in used if name not in named),
    ]


def test_there_are_documents() -> None:
    assert {"README.md", "docs/tasks.md", "tests/README.md"} <= {
        str(path.relative_to(TOP)) for path in DOCUMENTS
    }


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in targets(path):
        assert not target.startswith("["), f"{target} is not defined"
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        linked = path.parent / file if file else path
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


def test_every_document_is_reached_from_the_readme() -> None:
    seen = {TOP / "README.md"}
    waiting = list(seen)
    while waiting:
        path = waiting.pop()
        files = {
            (path.parent / target.partition("#")[0]).resolve()
            for target in targets(path)
            if "://" not in target
        }
        found = {file for file in files if file.suffix == ".md"} - seen
        seen |= found
        waiting += found
    assert [path for path in DOCUMENTS if path not in seen] == []
