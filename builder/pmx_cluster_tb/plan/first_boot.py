"""What the first-boot program of a node is told."""

from pmx_cluster_tb.model.cluster import Cluster, Node
from pmx_cluster_tb.plan.types import FirstBootSettings, Package

SETTINGS_SCHEMA = 1


def first_boot_settings(cluster: Cluster, node: Node, packages: tuple[Package, ...]) -> FirstBootSettings:
    """The settings for `node`, which installs `packages` in one run of apt.

    `firstboot/settings.schema.json` describes the value.
    """
    return FirstBootSettings(
        {
            "schema": SETTINGS_SCHEMA,
            "cluster": cluster.name,
            "node": node.name,
            "packages": [
                {"name": package.name, "version": package.version, "file": package.file_name}
                for package in packages
            ],
        }
    )
