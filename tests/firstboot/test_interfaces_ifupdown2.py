"""ifupdown2 reads the cleaned files as it read them before, but for bare stanzas of the ring's ports."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.roots.root import Root

pytestmark = pytest.mark.root

_CASES = sorted((Path(__file__).parent / "interfaces").glob("*.before"))
_RING = re.compile(r"thunderbolt\d+|en0[56]")
_READ_EACH = """
cd /root/interfaces
for file in *; do
    names=$(sed -nE 's/^[ \\t]*iface[ \\t]+([^ \\t]+).*/\\1/p' "$file" | sort -u)
    ifquery --interfaces "$file" --format json $names > "$file.json" 2> "$file.errors" || echo "$file: $?"
done
"""


def _is_bare_port(interface: dict[str, Any]) -> bool:
    is_manual = interface["addr_method"] == "manual" and interface["config"] == {}
    return is_manual and bool(_RING.fullmatch(interface["name"]))


# Debian 12 has the same ifupdown2
def test_what_stays_is_read_as_before(trixie: Root) -> None:
    for path in [path for case in _CASES for path in (case, case.with_suffix(".after"))]:
        trixie.write(f"/root/interfaces/{path.name}", path.read_bytes())
    assert trixie.run(["sh", "-c", _READ_EACH]).stdout == ""
    folder = trixie.file("/root/interfaces")
    for case in _CASES:
        before, after = (
            json.loads((folder / f"{case.stem}.{end}.json").read_text()) for end in ("before", "after")
        )
        gone = [interface for interface in before if interface not in after]
        assert after == [interface for interface in before if interface not in gone], case.stem
        assert all(map(_is_bare_port, gone)), case.stem
        errors = (folder / f"{case.stem}.after.errors").read_text().replace(".after:", ".before:")
        assert errors in {"", (folder / f"{case.stem}.before.errors").read_text()}, case.stem
