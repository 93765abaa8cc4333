"""ISOs and sticks, to read."""

from collections.abc import Iterator

from rich.text import Text

from pmx_cluster_tb.artifacts.inspected import InspectedBundle, InspectedIso
from pmx_cluster_tb.progress import amount


def iso_lines(inspected: InspectedIso) -> Iterator[Text]:
    """What the ISO is, and where its installer gets an answer."""
    iso = inspected.iso
    state = "prepared ISO" if iso.prepared else "ISO"
    yield Text(f"{state} of {iso.product} {iso.release}-{iso.iso_release}, {amount(iso.size)}", style="bold")
    yield Text(f"UUID {iso.uuid}")
    compare = "" if iso.prepared else ": compare it with what the download page says"
    yield Text(f"SHA-256 {inspected.sha256}{compare}")
    yield Text(_source_of_answers(inspected))


def _source_of_answers(inspected: InspectedIso) -> str:
    if not inspected.iso.prepared:
        unfit = inspected.iso.unfit
        can = f"`bundle` refuses it: it {unfit}" if unfit else "`bundle` can prepare it"
        return f"not prepared for a node; {can}"
    mode = inspected.mode or {}
    match mode.get("mode"):
        case "iso":
            return "installs without asking, with the answer in it"
        case "partition":
            label = mode.get("partition_label", "proxmox-ais")
            return (
                f"installs without asking, with the answer that Ventoy delivers, or of a partition `{label}`"
            )
        case other:
            return f"installs without asking, with an answer by `{other}`"


def bundle_lines(inspected: InspectedBundle) -> Iterator[Text]:
    """What the bundle is for, its files, and what is not as it was written."""
    manifest = inspected.manifest
    source = f"Proxmox VE {manifest.source.release}, layout {manifest.layout}"
    yield Text(f"bundle {inspected.folder}/: cluster {manifest.cluster}, {source}", style="bold")
    yield Text(f"made by pmx-cluster-tb {manifest.program_version} from {manifest.source.name}")
    yield Text(f"SHA-256 of that {manifest.source.sha256 or 'was not known yet'}")
    for iso in manifest.isos:
        yield Text(f"  {iso.path}: {amount(iso.size)}, for {', '.join(iso.nodes)}")
    for file in manifest.files:
        yield Text(f"  {file.path}")
    differing = list(_differences(inspected))
    yield from (Text(line, style="yellow") for line in differing)
    if inspected.is_as_written:
        yield Text(f"all {len(manifest.isos) + len(manifest.files)} files are there as they were written")
    else:
        yield Text("next: run the same command as when it was made; it writes only what is not in order")


def _differences(inspected: InspectedBundle) -> Iterator[str]:
    if not inspected.manifest.complete:
        yield "a run was cut off; the next one of `bundle` goes on"
    yield from (f"{path} is missing" for path in inspected.missing)
    yield from (f"{path} is not as it was written" for path in inspected.changed)
    yield from (f"{path} has no entry in ventoy/ventoy.json" for path in inspected.unnamed)
    yield from (f"{path} was added" for path in inspected.added)
