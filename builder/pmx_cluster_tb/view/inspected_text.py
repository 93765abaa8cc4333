"""What an artifact holds, to read and as JSON. Secrets are left out unless they are asked for."""

import json
import tomllib
from collections.abc import Iterator, Sequence
from typing import cast

import tomli_w
from rich.console import RenderableType
from rich.text import Text

from pmx_cluster_tb.artifacts.hook import MAX_BYTES
from pmx_cluster_tb.artifacts.inspected import (
    Inspected,
    InspectedAnswer,
    InspectedHook,
    InspectedIso,
    InspectedNothing,
    InspectedOutput,
    InspectedPackage,
    InspectedSharedHook,
    InspectedStick,
)
from pmx_cluster_tb.plan.types import FirstBootSettings
from pmx_cluster_tb.view.inspected_stick_text import bundle_lines, iso_lines
from pmx_cluster_tb.view.plan_tree import first_boot_steps, package_tree
from pmx_cluster_tb.view.redaction import redacted, redacted_text


def inspected_json(inspected: Inspected, *, show_secrets: bool) -> object:
    """The artifact as a JSON value; `kind` says what it is."""
    value = inspected.as_json()
    return value if show_secrets else redacted(value)


def inspected_text(inspected: Inspected, *, show_secrets: bool) -> Iterator[RenderableType]:
    """The artifact as lines and trees."""
    match inspected:
        case InspectedPackage():
            yield from _package(inspected)
        case InspectedHook():
            yield from _hook(inspected, show_secrets=show_secrets)
        case InspectedSharedHook():
            yield from _shared_hook(inspected, show_secrets=show_secrets)
        case InspectedAnswer():
            yield from _answer(inspected, show_secrets=show_secrets)
        case InspectedOutput():
            yield from _output(inspected)
        case InspectedIso():
            yield from _iso(inspected, show_secrets=show_secrets)
        case InspectedNothing():
            yield Text(f"image that does nothing, {inspected.size} bytes: the first line of Ventoy's menu")
        case InspectedStick():
            for bundle in inspected.bundles:
                yield from bundle_lines(bundle)


def _answer(answer: InspectedAnswer, *, show_secrets: bool) -> Iterator[RenderableType]:
    yield Text("answer for the automated installer", style="bold")
    yield Text(answer.text if show_secrets else _redacted_answer(answer))


def _redacted_answer(answer: InspectedAnswer) -> str:
    text, table = redacted_text(answer.text), redacted(answer.table)
    try:
        if tomllib.loads(text) == table:
            return text
    except tomllib.TOMLDecodeError:
        pass
    # a secret in a spelling that no pattern knows: the text is not to be trusted
    return tomli_w.dumps(cast("dict[str, object]", table))


def _iso(inspected: InspectedIso, *, show_secrets: bool) -> Iterator[RenderableType]:
    yield from iso_lines(inspected)
    if inspected.answer or inspected.hook:
        yield Text("")
    if inspected.answer:
        yield from _answer(inspected.answer, show_secrets=show_secrets)
    match inspected.hook:
        case InspectedHook():
            yield from _hook(inspected.hook, show_secrets=show_secrets)
        case InspectedSharedHook():
            yield from _shared_hook(inspected.hook, show_secrets=show_secrets)


def _package(inspected: InspectedPackage) -> Iterator[RenderableType]:
    yield Text.assemble((f"Debian package, {inspected.size} bytes, SHA-256 ", "bold"), inspected.sha256)
    for name, value in inspected.package.fields:
        yield Text(f"{name}: {value}")
    yield package_tree(inspected.package)


def _hook(inspected: InspectedHook, *, show_secrets: bool) -> Iterator[RenderableType]:
    settings = inspected.settings
    yield Text.assemble(
        (
            f"first-boot file of node {settings['node']}, {inspected.size} of at most {MAX_BYTES} bytes",
            "bold",
        ),
        f"\nSHA-256 {inspected.sha256}\n",
    )
    yield from _hook_part(inspected, inspected.packages, show_secrets=show_secrets)
    modules = ", ".join(path for path, _ in inspected.program)
    yield Text(f"\nprogram: {modules}", style="dim")


def _shared_hook(inspected: InspectedSharedHook, *, show_secrets: bool) -> Iterator[RenderableType]:
    names = ", ".join(node for node, _, _ in inspected.nodes)
    title = f"first-boot file of nodes {names}, {inspected.size} of at most {MAX_BYTES} bytes"
    yield Text.assemble((title, "bold"), f"\nSHA-256 {inspected.sha256}")
    carried = [hook.packages for _, _, hook in inspected.nodes]
    shared = [one for one in carried[0] if all(one in packages for packages in carried[1:])]
    for node, mac, hook in inspected.nodes:
        yield Text(f"\n{node}, on the machine with {mac}", style="bold")
        own = [one for one in hook.packages if one not in shared]
        yield from _hook_part(hook, own, show_secrets=show_secrets)
    if shared:
        yield Text("\nfor each of them", style="bold")
    yield from (package_tree(one.package) for one in shared)


def _hook_part(
    inspected: InspectedHook, packages: Sequence[InspectedPackage], *, show_secrets: bool
) -> Iterator[RenderableType]:
    settings = inspected.settings
    for number, step in enumerate(first_boot_steps(FirstBootSettings(settings)), start=1):
        yield Text(f"{number}. {step}")
    shown = cast("dict[str, object]", settings if show_secrets else redacted(settings))
    yield Text(f"\nsettings.json\n{json.dumps(shown, indent=2)}\n")
    for package in packages:
        yield package_tree(package.package)


def _output(inspected: InspectedOutput) -> Iterator[RenderableType]:
    manifest = inspected.manifest
    example = ", the example that is not for installing" if manifest.example else ""
    title = f"output folder: cluster {manifest.cluster} for Proxmox VE {manifest.proxmox_ve}{example}"
    yield Text(title, style="bold")
    yield Text(f"made by pmx-cluster-tb {manifest.program_version}, pmx-ring {manifest.ring_version}")
    for node in manifest.nodes:
        yield Text(f"  {node.name}: {node.package} {node.version}")
    differing = [
        *(f"{path} is missing" for path in inspected.missing),
        *(f"{path} is not as it was built" for path in inspected.changed),
        *(f"{path} was added" for path in inspected.added),
    ]
    yield from (Text(line, style="yellow") for line in differing)
    if not differing:
        yield Text(f"all {len(manifest.files)} files are there as they were built")
