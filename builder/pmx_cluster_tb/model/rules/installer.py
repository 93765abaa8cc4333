"""What depends on the version of the installer, and on what it makes of names."""

from pmx_cluster_tb.model.cluster import AfterInstall, ProxmoxVersion
from pmx_cluster_tb.model.report import Report, shown
from pmx_cluster_tb.model.tables import FileTable

_ZONES_SINCE_9_0 = {"America/Coyhaique": "America/Punta_Arenas"}
"""New in tzdata 2025b, which 8.4 cannot be sure to have, and the zone with the same time before."""

_LONGEST_FQDN = 64
"""pve-cluster makes the FQDN the common name of the node's certificate, where X.509 allows 64 characters."""


def _installed_again(file: FileTable, report: Report) -> None:
    if file.cluster and file.cluster.after_install is AfterInstall.REBOOT:
        report.warning(
            ("cluster", "after-install"),
            "a machine that boots from the stick first is wiped and installed again, as often as it starts",
            '`after-install = "power-off"` gives the time to take the stick out',
        )


def _known_zone(file: FileTable, report: Report) -> None:
    version = file.cluster and file.cluster.proxmox_ve
    zone = file.locale and file.locale.timezone
    if version is ProxmoxVersion.V8_4 and zone in _ZONES_SINCE_9_0:
        report.error(
            ("locale", "timezone"),
            f"{shown(zone)} is newer than the installer of {version}",
            f"`{_ZONES_SINCE_9_0[zone]}`",
        )


def _full_names(file: FileTable, report: Report) -> None:
    domain = file.cluster and file.cluster.domain
    for index, node in file.numbered_nodes():
        fqdn = f"{node.name}.{domain}"
        if node.name and domain and len(fqdn) > _LONGEST_FQDN:
            report.error(
                ("node", index, "name"),
                f"{shown(fqdn)} must have at most {_LONGEST_FQDN} characters, for the node's certificate; "
                f"it has {len(fqdn)}",
            )


RULES = (_installed_again, _known_zone, _full_names)
