"""Whether FRR on this node belongs to Proxmox VE's SDN.

SDN writes /etc/frr/frr.conf as a whole and switches fabricd off as soon as there is a controller, a fabric or
an /etc/frr/frr.conf.local (libpve-network-perl: PVE/Network/SDN/Frr.pm). Two owners would undo each other's
work.
"""

import json

from pmx_ring.problems import RingError
from pmx_ring.system import System

_SDN = "/etc/pve/sdn"
_OWNED_KINDS = ("controllers", "fabrics")
_LOCAL = "/etc/frr/frr.conf.local"


def sdn_claims(system: System) -> list[str]:
    """The files by which FRR belongs to SDN; none, and it is ours.

    Raises RingError on a Proxmox VE node whose /etc/pve is not there, where nobody can tell.
    """
    if system.path("/usr/bin/pmxcfs").exists() and not system.path("/etc/pve/.version").exists():
        raise RingError(
            "cannot tell whether FRR belongs to Proxmox VE's SDN: /etc/pve is not mounted",
            "`systemctl status pve-cluster`, then `pmx-ring apply`",
        )
    files = [f"{_SDN}/{kind}.cfg" for kind in _OWNED_KINDS if _has_entries(system, f"{_SDN}/{kind}.cfg")]
    if _is_running(system):
        files.append(f"{_SDN}/.running-config")
    if system.path(_LOCAL).exists():
        files.append(_LOCAL)
    return files


def _has_entries(system: System, path: str) -> bool:
    lines = (system.text(path) or "").split("\n")
    return any(line.strip() and not line.startswith("#") for line in lines)


def _is_running(system: System) -> bool:
    # entries that were deleted but not applied yet are in force here only
    try:
        running = json.loads(system.text(f"{_SDN}/.running-config") or "{}")
    except ValueError:
        return False
    return any(running.get(kind, {}).get("ids") for kind in _OWNED_KINDS)
