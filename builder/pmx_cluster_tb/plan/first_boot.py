"""What the first-boot program of a node is told."""

from datetime import timedelta

from pmx_cluster_tb import release
from pmx_cluster_tb.model.cluster import Cluster, Node, User, ring_ipv4, ring_ipv6
from pmx_cluster_tb.plan.types import FirstBootSettings, Package

SETTINGS_SCHEMA = 1

_ARCHIVE = "http://download.proxmox.com/debian"
"""Where the repositories are that all nodes use without a subscription."""

_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=5)
_BOOTS = 10
_REBOOTS = 4

_DEADLINES = {
    "wait-online": timedelta(minutes=15),
    "repositories": timedelta(minutes=2),
    "upgrade": timedelta(hours=2),  # about 1 GB, at 2 Mbit/s and with a slow disk
    "node-package": timedelta(minutes=45),
    "extras": timedelta(minutes=45),
    "user": timedelta(minutes=15),
    "desktop": timedelta(hours=2),
    "leftovers": timedelta(minutes=2),
    "kernel": timedelta(minutes=30),
    "report": timedelta(minutes=2),
}
"""How long each step may take in one boot."""


def first_boot_settings(cluster: Cluster, node: Node, packages: tuple[Package, ...]) -> FirstBootSettings:
    """The settings for `node`, which installs `packages` in one run of apt.

    `firstboot/settings.schema.json` describes the value. It may hold a password's hash.
    """
    ring, install = cluster.ring, cluster.install
    return FirstBootSettings(
        {
            "schema": SETTINGS_SCHEMA,
            "cluster": cluster.name,
            "node": node.name,
            "packages": [
                {"name": package.name, "version": package.version, "file": package.file_name}
                for package in packages
            ],
            "online": {
                "url": f"{install.proxmox or _ARCHIVE}/pve/",
                "not_before": release.RELEASE_DATE.isoformat(),
            },
            "mirrors": {
                "proxmox": install.proxmox,
                "debian": install.debian,
                "debian_security": install.debian_security,
            },
            "apt_proxy": install.apt_proxy,
            "extras": list(cluster.extras.packages),
            "desktop": cluster.extras.desktop,
            "user": None if cluster.access.user is None else _user(cluster.access.user),
            "ports": [{"name": port.name, "path": port.path, "driver": port.driver} for port in node.ports],
            "members": [_member(cluster, member) for member in dict.fromkeys((cluster.nodes[0], node))],
            "node_count": len(cluster.nodes),
            "ring_networks": [str(network) for network in (ring.ipv4, ring.ipv6) if network is not None],
            "retry": {
                "first_pause_s": _whole_seconds(_FIRST_PAUSE),
                "longest_pause_s": _whole_seconds(_LONGEST_PAUSE),
                "boots": _BOOTS,
                "reboots": _REBOOTS,
            },
            "deadlines_s": {step: _whole_seconds(deadline) for step, deadline in _DEADLINES.items()},
        }
    )


def _user(user: User) -> dict[str, object]:
    return {
        "name": user.name,
        "full_name": user.full_name,
        "password_hash": None if user.password_hash is None else user.password_hash.crypt,
        "ssh_keys": list(user.ssh_keys),
    }


def _member(cluster: Cluster, node: Node) -> dict[str, object]:
    addresses = (ring_ipv4(cluster.ring, node), ring_ipv6(cluster.ring, node))
    return {
        "name": node.name,
        "lan": str(node.address.ip),
        "ring": [str(address) for address in addresses if address is not None],
    }


def _whole_seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
