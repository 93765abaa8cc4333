"""Every file that a node gets, with its content. Secrets are left out."""

import json
from collections.abc import Iterator

from pmx_cluster_tb.plan.types import NodePlan
from pmx_cluster_tb.view.redaction import redacted, redacted_text


def node_contents(plan: NodePlan) -> Iterator[tuple[str, str]]:
    """Titles and texts: the answer, the first-boot settings, the package's scripts and its files."""
    yield "answer.toml", redacted_text(plan.answer.text)
    yield "first-boot: settings.json", json.dumps(redacted(plan.first_boot.table), indent=2) + "\n"
    package = plan.package
    yield f"{package.name}: control", "".join(f"{name}: {value}\n" for name, value in package.fields)
    for member in package.members:
        yield f"{package.name}: {member.name}", member.content.decode()
    for file in package.files:
        yield f"{file.path} ({file.mode:04o})", file.content.decode()
    for link in package.links:
        yield f"{link.path}", f"symbolic link to {link.target}\n"
