"""`pmx-cluster-tb bundle`."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from pmx_cluster_tb.cli.cluster_file import PATH, chosen_nodes, file_argument, json_option, loaded_cluster
from pmx_cluster_tb.cli.messages import count, note, print_json, say, show_error
from pmx_cluster_tb.problems import BadFile, BadInput, UserError

if TYPE_CHECKING:
    from pmx_cluster_tb.artifacts.iso.read import Iso
    from pmx_cluster_tb.artifacts.stick.manifest import BundleManifest
    from pmx_cluster_tb.artifacts.stick.place import Stick
    from pmx_cluster_tb.artifacts.stick.wipe import Wiped
    from pmx_cluster_tb.artifacts.stick.write import Written
    from pmx_cluster_tb.model.cluster import Cluster
    from pmx_cluster_tb.progress import Observer

_LAYOUTS = ("separate", "shared")
_SHA256_DIGITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    file: Path
    iso: Path | None
    out: Path
    layout: str | None
    node: str | None
    sha256: str | None
    wipe: bool
    as_json: bool


@click.command("bundle")
@file_argument
@click.option("--iso", type=PATH, metavar="ISO", help="The ISO of Proxmox VE, as downloaded.")
@click.option(
    "--out",
    required=True,
    type=PATH,
    metavar="STICK",
    help="Where the Ventoy stick is mounted, or any folder.",
)
@click.option(
    "--layout", type=click.Choice(_LAYOUTS), help="One ISO for each node (the default), or one for all."
)
@click.option("--node", metavar="N", help="Renew only node N, as after its machine was replaced.")
@click.option(
    "--sha256", metavar="SUM", help="Refuse an ISO with another SHA-256 than the download page says."
)
@click.option("--wipe", is_flag=True, help="Remove what a bundle left on STICK.")
@json_option("Print the manifest (with --wipe: what was removed) as JSON on standard output.")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Make a stick that installs every node.

    Prepares the ISO for the nodes of FILE (cluster.toml) and writes it to STICK, the mounted first partition
    of a Ventoy stick, beside whatever else is there: a folder pmx-CLUSTER, and entries in ventoy/ventoy.json.
    All is read back from the stick. An interrupted run goes on where it stopped; what is there and unchanged
    is not written again. Needs xorriso.

    The stick then holds hashes of passwords: keep it, or remove them with --wipe.

    \b
    Examples:
      pmx-cluster-tb bundle --iso proxmox-ve_9.2-1.iso --out /media/you/Ventoy
      pmx-cluster-tb bundle --iso proxmox-ve_9.2-1.iso --out /mnt --node pve2
      pmx-cluster-tb bundle --wipe --out /media/you/Ventoy

    Exit status: 0 done, 1 STICK could not be written or does not read back, 2 the file has errors, or ISO or
    STICK cannot be used.
    """
    asked = _Asked(**options)
    if asked.wipe:
        _refuse_options(ctx, asked)
        given = ctx.get_parameter_source("file") is not ParameterSource.DEFAULT
        if not _wipe(asked, one_cluster=given):
            ctx.exit(1)
        return
    if asked.iso is None:
        raise click.UsageError("Missing option '--iso'.", ctx)
    cluster = loaded_cluster(asked.file)
    _refuse_example(cluster)
    stick = _stick(asked.out)
    written = _write(asked, asked.iso, cluster, stick)
    _note_older(written)
    if asked.as_json:
        print_json(written.manifest.as_json())
    else:
        for line in (*_summary(written, asked.out), *_next_steps(written.manifest, stick)):
            say(line)


def _refuse_options(ctx: click.Context, asked: _Asked) -> None:
    values = {"--iso": asked.iso, "--layout": asked.layout, "--node": asked.node, "--sha256": asked.sha256}
    if given := [name for name, value in values.items() if value is not None]:
        raise click.UsageError(f"`--wipe` takes no `{given[0]}`", ctx)


def _refuse_example(cluster: "Cluster") -> None:
    from pmx_cluster_tb.model.load import example_cluster

    if cluster.access.root_password_hash == example_cluster().access.root_password_hash:
        raise BadInput(
            "`access.root-password-hash` is that of the example, and nobody knows its password",
            "`pmx-cluster-tb hash-password` makes one of yours",
        )


def _stick(path: Path) -> "Stick":
    from pmx_cluster_tb.artifacts.stick.place import stick_at

    return stick_at(path)


def _write(asked: _Asked, source: Path, cluster: "Cluster", stick: "Stick") -> "Written":
    from pmx_cluster_tb.artifacts.iso.read import iso_problems, read_iso
    from pmx_cluster_tb.artifacts.stick.request import Wish, requested_bundle
    from pmx_cluster_tb.artifacts.stick.write import earlier_bundle, write_bundle
    from pmx_cluster_tb.cli.byte_progress import byte_progress
    from pmx_cluster_tb.plan.bundle import Layout
    from pmx_cluster_tb.plan.cluster_plan import plan_cluster
    from pmx_cluster_tb.plan.stick_names import folder
    from pmx_cluster_tb.sources import read_sources

    plan = plan_cluster(cluster, read_sources())
    chosen_nodes(plan, () if asked.node is None else (asked.node,))
    iso = read_iso(source)
    if problems := iso_problems(iso, cluster.proxmox_ve, str(asked.file)):
        raise BadFile(problems)
    if not stick.is_ventoy:
        note(_unlike_ventoy(stick))
    if asked.sha256 is None:
        note(
            f"warning: the SHA-256 of `{source}` is compared with nothing: "
            "`--sha256 SUM` refuses another than the download page says"
        )
    earlier = earlier_bundle(stick, folder(cluster.name))
    wish = Wish(layout=Layout(asked.layout) if asked.layout else None, node=asked.node)
    try:
        with byte_progress() as observer:
            # what needs none finds it while it writes
            digest = _digest(iso, asked.sha256, observer) if asked.sha256 is not None or earlier else None
            return write_bundle(requested_bundle(plan, iso, digest, earlier, wish), stick, observer)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on where it stopped") from None


def _unlike_ventoy(stick: "Stick") -> str:
    if stick.is_mounted:
        return f"warning: no Ventoy is seen on the disk of `{stick.path}`; without it the stick does not boot"
    return f"`{stick.path}` is a folder, not a mounted stick; what is made in it is to be copied to one"


def _digest(iso: "Iso", expected: str | None, observer: "Observer") -> str:
    from pmx_cluster_tb.artifacts.stick.readback import sha256_of

    # an empty one, as of an unset variable, must not pass for none
    wanted = None if expected is None else expected.strip().lower()
    if wanted is not None and (len(wanted) != _SHA256_DIGITS or not set(wanted) <= set("0123456789abcdef")):
        raise BadInput(
            f"`{expected}` is no SHA-256, which has {_SHA256_DIGITS} hexadecimal digits",
            "copy it from where the ISO is downloaded",
        )
    try:
        found = sha256_of(iso.path, observer, f"reading {iso.path.name}")
    except BrokenPipeError:
        # nobody reads the progress any more
        raise
    except OSError as error:
        raise BadInput(f"cannot read `{iso.path}`: {error.strerror}") from error
    if wanted not in (None, found):
        raise BadInput(
            f"`{iso.path}` has the SHA-256 `{found}`, not `{wanted}`",
            "compare the sum with the download page; where it is right, download the ISO again",
        )
    return found


def _summary(written: "Written", out: Path) -> Iterator[str]:
    from pmx_cluster_tb.progress import amount

    manifest = written.manifest
    nodes = ", ".join(node.name for node in manifest.nodes)
    yield f"{out}: cluster {manifest.cluster} ({nodes}), Proxmox VE {manifest.source.release}"
    yield f"  SHA-256 of {manifest.source.name}: {manifest.source.sha256}"
    for iso in manifest.isos:
        yield f"  {iso.path}: {amount(iso.size)}, {_state(written, iso.path)}"
    read = "what was written is read back" if written.unread else "all read back"
    yield f"  and {count(len(manifest.files), 'small file')}; {read}"
    if written.removed:
        yield f"  removed, as not of this bundle any more: {', '.join(written.removed)}"
    if written.others:
        yield f"  left alone, as no bundle made it: {', '.join(written.others)}"
    if written.bundles:
        yield f"  also on the stick, from other clusters: {', '.join(written.bundles)}"


def _note_older(written: "Written") -> None:
    names = [name for iso in written.manifest.isos if iso.path in written.older for name in iso.nodes]
    if names:
        note(
            f"left with the packages and what was known of others when they were made: {', '.join(names)}\n"
            "  that changes nothing on nodes that run; before you install one of them again, renew it, too:\n"
            f"  the same command with `--node {names[0]}`"
        )


def _state(written: "Written", path: str) -> str:
    if path in written.paths:
        return "written"
    return "left as it is" if path in written.unread else "unchanged"


def _next_steps(manifest: "BundleManifest", stick: "Stick") -> Iterator[str]:
    folder = "/".join(part for part in (stick.root, manifest.files[0].path.partition("/")[0]) if part)
    copied = folder.partition("/")[0]
    start = (
        "eject the stick" if stick.is_mounted else f"copy {copied}/ and ventoy/ to the top of a Ventoy stick"
    )
    yield f"next: {start}, boot a machine from it and choose its node; that WIPES the node's disk"
    yield f"  {folder}/README.txt on the stick says what each screen shows"
    if not stick.is_mounted:
        yield "  if that has a ventoy/ventoy.json of its own, do not copy, but name the stick with `--out`"
    it = "the stick" if stick.is_mounted else "this folder"
    yield f"{it} holds hashes of passwords and the first-boot files; once all is installed, remove them:"
    yield f"  pmx-cluster-tb bundle --wipe --out {shlex.quote(str(stick.path))}"


def _wipe(asked: _Asked, *, one_cluster: bool) -> bool:
    """Whether all is known that was to be removed."""
    from pmx_cluster_tb.artifacts.stick.wipe import wipe_bundles
    from pmx_cluster_tb.plan.stick_names import folder

    stick = _stick(asked.out).path
    wiped = wipe_bundles(stick, folder(loaded_cluster(asked.file).name) if one_cluster else None)
    if asked.as_json:
        print_json({"wiped": [one.as_json() for one in wiped]})
    else:
        for line in _wiped_lines(wiped):
            say(line)
    if damaged := [one for one in wiped if one.damaged]:
        # not raised: what was removed is told already
        show_error(
            UserError(
                f"{damaged[0].damaged}: what the bundle made is not known, and its files are still there",
                f"remove the folder `{stick / damaged[0].folder}` yourself, once nothing in it is yours",
            )
        )
    return not damaged


def _wiped_lines(wiped: "tuple[Wiped, ...]") -> Iterator[str]:
    for one in wiped:
        yield from (f"removed {path}" for path in one.removed)
        if one.ventoy_json:
            yield f"removed the entries of {one.folder} from ventoy/ventoy.json"
        yield from (f"left alone, as no bundle made it: {path}" for path in one.kept if not one.damaged)
    yield "flash memory keeps what was removed for a while: erase the whole stick before you give it away"
