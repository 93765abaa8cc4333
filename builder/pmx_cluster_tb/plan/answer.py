"""A node's answer to the automated installer, in keys that the installer on its ISO accepts.

What each installer accepts is data, in `answer-files/`; the traps are described in `docs/cluster-file.md`.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import cast

import tomli_w

from pmx_cluster_tb.model.cluster import (
    Access,
    AfterInstall,
    Cluster,
    Disk,
    DiskModel,
    DiskPath,
    DiskSerials,
    Filesystem,
    NicMac,
    NicName,
    Node,
)
from pmx_cluster_tb.model.disk_filter import literal_glob
from pmx_cluster_tb.plan.types import Answer, Sources, Table

_SIZE_TABLE = {
    Filesystem.EXT4: "lvm",
    Filesystem.XFS: "lvm",
    Filesystem.ZFS: "zfs",
    Filesystem.BTRFS: "btrfs",
}

_FREE_TABLES = {"network.filter", "network.interface-name-pinning.mapping", "disk-setup.filter"}
"""Tables whose keys are udev properties or MAC addresses."""


def node_answer(cluster: Cluster, node: Node, sources: Sources) -> Answer:
    """The answer that installs `node`; its keys are those that the installer on the cluster's ISO accepts."""
    accepted = cast("Mapping[str, list[str]]", sources.installers[cluster.proxmox_ve]["accepted"])
    settings = {
        "global": _global(cluster, node),
        "network": _network(cluster, node),
        "disk-setup": _disk_setup(node.disk),
    }
    table = _merged(sources.base_answer, settings)
    _refuse_unknown_keys("", table, {"": list(table), **accepted})
    return Answer(table, _serialized(table, _comment(cluster, node)))


def _global(cluster: Cluster, node: Node) -> Table:
    locale = cluster.locale
    return {
        "country": locale.country,
        "keyboard": locale.keyboard,
        "timezone": locale.timezone,
        "fqdn": cluster.fqdn(node),
        **_access(cluster.access),
        "reboot-mode": str(cluster.after_install),
    }


def _access(access: Access) -> Table:
    keys = {"root-ssh-keys": list(access.root_ssh_keys)} if access.root_ssh_keys else {}
    return {"mailto": access.mailto, "root-password-hashed": access.root_password_hash.crypt, **keys}


def _network(cluster: Cluster, node: Node) -> Table:
    return {
        "cidr": str(node.address),
        "gateway": str(cluster.management.gateway),
        "dns": str(cluster.management.dns),
        "filter": _nic_filter(node.nic),
        **_pinning(node.nic),
    }


def _nic_filter(nic: NicMac | NicName) -> dict[str, str]:
    match nic:
        case NicMac(mac):
            return {"ID_NET_NAME_MAC": "enx" + mac.replace(":", "")}
        case NicName(name):
            return {"INTERFACE": literal_glob(name)}


def _pinning(nic: NicMac | NicName) -> Table:
    if isinstance(nic, NicName) or nic.pinned_name is None:
        return {}
    return {"interface-name-pinning": {"enabled": True, "mapping": {nic.mac: nic.pinned_name}}}


def _disk_setup(disk: Disk) -> Table:
    options = _disk_options(disk)
    found_by = _disk_filter(disk.find)
    # ignored for ext4 and xfs, which take one disk; `all` would also take disks that lack a property
    several = {"filter-match": "any"} if len(found_by) > 1 else {}
    tables: Table = {_SIZE_TABLE[disk.filesystem]: options} if options else {}
    return {"filesystem": str(disk.filesystem), **several, "filter": found_by, **tables}


def _disk_options(disk: Disk) -> dict[str, object]:
    chosen = disk.options
    values = {
        "raid": disk.raid,
        "hdsize": disk.size_gib,
        "swapsize": chosen.swap_gib,
        "maxroot": chosen.root_gib,
        "maxvz": chosen.data_gib,
        "minfree": chosen.minfree_gib,
        "ashift": chosen.ashift,
        "arc-max": chosen.arc_max_mib,
        "checksum": chosen.checksum,
        "compress": chosen.compress,
        "copies": chosen.copies,
    }
    return {key: _plain(value) for key, value in values.items() if value is not None}


def _plain(value: float | str) -> float | str:
    """A size without decimals that say nothing; a word of an enumeration as a word."""
    if isinstance(value, str):
        return str(value)
    return int(value) if value == int(value) else value


def _disk_filter(find: DiskSerials | DiskModel | DiskPath) -> dict[str, str]:
    match find:
        case DiskSerials(found_by=found_by):
            return dict(found_by)
        case DiskModel(model):
            # udev writes NVMe models as they are, and has underscores for much else in those of other disks
            return {"ID_MODEL": re.sub(r"[^0-9A-Za-z#+.:=@-]", "?", model)}
        case DiskPath(path):
            return {"ID_PATH": literal_glob(path)}


def _merged(base: Table, own: Table) -> dict[str, object]:
    """`own` before `base`, table by table."""
    both = {
        name: _merged(one, other)
        for name, other in own.items()
        if isinstance(other, Mapping) and isinstance(one := base.get(name), Mapping)
    }
    # own once more in front, for the order in which a person reads
    return {**own, **base, **own, **both}


def _refuse_unknown_keys(path: str, table: Table, accepted: Mapping[str, list[str]]) -> None:
    if path in _FREE_TABLES:
        return
    for key, value in table.items():
        assert key in accepted[path], f"this installer accepts no `{path}.{key}`"  # noqa: S101
        if isinstance(value, Mapping):
            _refuse_unknown_keys(f"{path}.{key}".removeprefix("."), value, accepted)


def _comment(cluster: Cluster, node: Node) -> Iterator[str]:
    installer = f"the installer of Proxmox VE {cluster.proxmox_ve}"
    yield f"Answer for {installer}: node {node.name} of cluster {cluster.name}."
    yield f"DANGER: a machine that boots with it WIPES {wiped_disks(node.disk)}, without asking."
    yield "Keep it secret: it holds the hash of root's password."
    if cluster.after_install is AfterInstall.POWER_OFF:
        yield "The machine powers off when it is done: remove the medium before it starts again."
    else:
        yield "The machine reboots when it is done: remove the medium then, or it is installed again."


def wiped_disks(disk: Disk) -> str:
    """The disks that the installer wipes, in words."""
    match disk.find:
        case DiskSerials((serial,)):
            return f"the disk with serial {serial}"
        case DiskSerials(serials):
            return f"the disks with serials {', '.join(serials)}"
        case DiskModel(model) if disk.raid is not None:
            return f"every disk of model {model}"
        case DiskModel(model):
            return f"the first disk of model {model}"
        case DiskPath(path):
            return f"the disk at {path}"


def _serialized(table: Table, comment: Iterator[str]) -> str:
    head = [f"# {line}" for line in comment]
    text = "\n".join([*head, "", tomli_w.dumps(table)])
    # what the installer reads must be what was meant, and Ventoy expands `$$`
    assert tomllib.loads(text) == table, "the answer does not read back"  # noqa: S101
    assert "$$" not in text, "the model lets no `$$` through"  # noqa: S101
    return text
