"""Proxmox VE clusters on a Thunderbolt ring, from one cluster file."""

from pmx_cluster_tb.release import __version__

__all__ = ["__version__"]
