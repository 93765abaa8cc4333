"""Which installation ISOs can be served, and why the others cannot."""

import re

from pmx_cluster_tb.model.cluster import ProxmoxVersion
from pmx_cluster_tb.model.kinds import Text
from pmx_cluster_tb.model.report import Refusal, listed

_OLDEST = next(iter(ProxmoxVersion))
NEWEST = list(ProxmoxVersion)[-1]

PINS_NAMES = frozenset({ProxmoxVersion.V9_1, ProxmoxVersion.V9_2})
"""Those whose installer can pin the names of NICs (pve-installer 9.1.0)."""

_RELEASE = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,4}))?(?:[.-].*)?")
_FIRST_WITH_FIRST_BOOT = (8, 3)
_FIRST_SERVED = (8, 4)


def too_old(release: str) -> str:
    """Why nodes cannot be installed from the ISO of Proxmox VE `release` (`8.3`); empty if it is not too old.

    The installers of 8.3 (8.3.3 to 8.3.9) read the first-boot file as text, and end with "stream did not
    contain valid UTF-8"; 8.4.0 is the first that takes any bytes (pve-installer, commit 55f3bc5).
    """
    version = _parsed(release)
    if version is None or version >= _FIRST_SERVED or (release.isdigit() and version[0] == _FIRST_SERVED[0]):
        return ""
    if version < _FIRST_WITH_FIRST_BOOT:
        return "its installer takes no first-boot file"
    return "its installer reads the first-boot file as text, which ours is not, and stops"


def _parsed(release: str) -> tuple[int, int] | None:
    found = _RELEASE.fullmatch(release)
    return (int(found[1]), int(found[2] or 0)) if found else None


def _proxmox_version(text: str) -> ProxmoxVersion:
    if text in list(ProxmoxVersion):
        return ProxmoxVersion(text)
    if why := too_old(text):
        hint = f"{_written(_OLDEST)}: the ISO of {_OLDEST} installs the same machines"
        raise Refusal(f"is too old: {why}", hint)
    version = _parsed(text)
    supported = f"must be the version of the ISO: {listed(ProxmoxVersion, 'or')}"
    if version is None:
        raise Refusal(supported)
    raise Refusal(supported, _nearest(text, *version))


def _nearest(text: str, major: int, minor: int) -> str:
    if f"{major}.{minor}" in list(ProxmoxVersion) and not text.isdigit():
        return f"{_written(f'{major}.{minor}')}, without what follows"
    same = [version for version in ProxmoxVersion if version.startswith(f"{major}.")]
    if text.isdigit() and same:
        return f"{_written(same[-1])} is the newest of {major}; the name of the ISO says which it is"
    return f"{_written(NEWEST)} is the newest whose installer is known here"


def _written(version: str) -> str:
    return f'`proxmox-ve = "{version}"`'


PROXMOX_VERSION = Text(
    _proxmox_version,
    f"the version of the ISO: {listed(ProxmoxVersion, 'or')}",
    {"enum": [str(version) for version in ProxmoxVersion]},
)
