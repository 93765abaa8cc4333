"""The ISO of the tests by the builder's own reader: what `bundle` expects of Proxmox's, it finds here."""

import pytest

from pmx_cluster_tb.artifacts.iso.initrd import initrd_members
from pmx_cluster_tb.artifacts.iso.read import iso_members, read_iso
from pmx_cluster_tb.model.cluster import ProxmoxVersion
from pmx_cluster_tb.plan.ventoy_init import refuse_other_init
from tests.roots.root import needs_root
from tests.vm.medium import RELEASES, Medium, medium

pytestmark = [pytest.mark.vm, pytest.mark.root]

_FILES = (
    *(
        "/.disk/info",
        "/.cd-info",
        "/.pve-cd-id.txt",
        "/boot/linux26",
        "/boot/initrd.img",
        "/boot/grub/grub.cfg",
    ),
    *("/efi.img", "/pve-base.squashfs", "/pve-installer.squashfs", "/proxmox/pve-base.cnt"),
)


@pytest.fixture(scope="module", params=RELEASES)
def made(request: pytest.FixtureRequest) -> Medium:
    needs_root()
    return medium(request.param)


def test_it_is_a_proxmox_ve_that_can_be_prepared(made: Medium) -> None:
    iso = read_iso(made.iso)
    assert iso.release == made.release
    assert iso.release in list(ProxmoxVersion)
    assert iso.iso_release == "1"
    assert iso.capable
    assert not iso.prepared


def test_all_files_are_there(made: Medium) -> None:
    assert iso_members(made.iso, _FILES).keys() == set(_FILES)


def test_the_initrd_belongs_to_the_medium(made: Medium) -> None:
    on_medium = iso_members(made.iso, ["/.pve-cd-id.txt", "/boot/initrd.img"])
    initrd = initrd_members(on_medium["/boot/initrd.img"], ["init", ".pve-cd-id.txt"])
    assert initrd[".pve-cd-id.txt"] == on_medium["/.pve-cd-id.txt"]
    refuse_other_init(initrd["init"])
