"""The installation, from the answer to a disk that boots."""

import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from . import disk_layout, network_files
from .answer import Answer
from .machine import Disk, chosen_disk, chosen_nic, disks, mac_addresses, nics
from .pins import names_of
from .problem import Refused
from .target import TARGET, in_target, install_boot_loader, install_packages, mounted, unpack_base, write

_FOLDER = "/var/lib/proxmox-first-boot"
_HOOK = Path("/cdrom/proxmox-first-boot")
_LARGEST_HOOK = 1024**2
_UNITS = {"before-network": "network-pre", "network-online": "network-online", "fully-up": "multi-user"}


def install(answer: Answer) -> None:
    """Installs what `answer` says; raises Refused before anything is written."""
    if isinstance(answer.fqdn, dict) or answer.network.get("source") != "from-answer":
        raise Refused("this stand-in asks no DHCP server")
    if answer.disk_setup["filesystem"] != "ext4":
        raise Refused("this stand-in installs on ext4 only")
    found = nics()
    nic = chosen_nic(found, answer.network.get("filter"))
    # refused like the genuine one, before anything is written
    names_of(mac_addresses(), answer.network.get("interface-name-pinning", {}))
    disk = chosen_disk(disks(), answer.disk_setup)
    hook = _hook(answer)
    sizes = disk_layout.layout(disk.size, answer.lvm, _memory())
    say(f"disk {disk.device}, network interface {nic}")
    say("making partitions and volumes")
    disk_layout.make_volumes(disk, sizes)
    disk_layout.make_filesystems(disk)
    with mounted(disk):
        say("extracting the base system")
        unpack_base()
        _configure(answer, disk, nic, found)
        say("installing packages")
        install_packages(first_boot=hook is not None)
        say("configuring")
        _set_access(answer)
        if hook:
            _set_first_boot(answer, hook)
        say("installing the boot loader")
        install_boot_loader(disk, Path("/proc/cmdline").read_text())
        say("synchronizing")


def say(text: str) -> None:
    """Tells the console how far it is."""
    print(f"[{time.monotonic():7.1f}] {text}", flush=True, file=sys.stdout)


def _hook(answer: Answer) -> Path | None:
    if not answer.first_boot:
        return None
    if answer.first_boot["source"] != "from-iso":
        raise Refused("this stand-in fetches no first-boot hook from a URL")
    if not _HOOK.exists():
        raise Refused("the answer wants a first-boot hook from the medium, and there is none")
    if _HOOK.stat().st_size > _LARGEST_HOOK:
        raise Refused("the first-boot hook is larger than 1 MiB")
    return _HOOK


def _configure(answer: Answer, disk: Disk, nic: str, found: Iterable[str]) -> None:
    cidr, fqdn = str(answer.network["cidr"]), str(answer.fqdn)
    others = [name for name in found if name != nic]
    write("/etc/hostname", f"{fqdn.partition('.')[0]}\n")
    write("/etc/hosts", network_files.hosts(cidr, fqdn))
    write(
        "/etc/network/interfaces", network_files.interfaces(nic, others, cidr, str(answer.network["gateway"]))
    )
    write("/etc/resolv.conf", network_files.resolv_conf(fqdn, str(answer.network["dns"])))
    write("/etc/mailname", f"{fqdn}\n")
    write("/etc/timezone", f"{answer.timezone}\n")
    zone = TARGET / "etc/localtime"
    zone.unlink(missing_ok=True)
    zone.symlink_to(f"/usr/share/zoneinfo/{answer.timezone}")
    write(
        "/etc/default/keyboard",
        f'XKBMODEL="pc104"\nXKBLAYOUT="{answer.keyboard[:2]}"\nXKBVARIANT=""\nXKBOPTIONS=""\n',
    )
    write("/etc/default/locale", "LANG=C.UTF-8\n")
    write("/etc/fstab", _fstab(disk))
    codename = _codename()
    if codename == "bookworm":
        write("/etc/apt/sources.list", f"deb http://ftp.debian.example/debian {codename} main contrib\n")
    else:
        paragraph = (
            "Types: deb\nURIs: http://ftp.debian.example/debian\nSuites: {}\nComponents: main contrib\n"
        )
        signed_by = "Signed-By: /usr/share/keyrings/proxmox-archive-keyring.gpg\n"
        (TARGET / "etc/apt/sources.list").unlink(missing_ok=True)
        write("/etc/apt/sources.list.d/debian.sources", paragraph.format(codename) + signed_by)
    # a new machine has an identity of its own
    write("/etc/machine-id", "")


def _codename() -> str:
    lines = (TARGET / "etc/os-release").read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith("VERSION_CODENAME="))


def _fstab(disk: Disk) -> str:
    return (
        "# <file system> <mount point> <type> <options> <dump> <pass>\n"
        "/dev/pve/root / ext4 errors=remount-ro 0 1\n"
        f"UUID={_uuid(disk_layout.partition_of(disk, 2))} /boot/efi vfat defaults 0 1\n"
        "/dev/pve/swap none swap sw 0 0\n"
        "proc /proc proc defaults 0 0\n"
    )


def _uuid(device: str) -> str:
    for link in Path("/dev/disk/by-uuid").iterdir():
        if link.resolve() == Path(device).resolve():
            return link.name
    raise FileNotFoundError(f"no filesystem on {device}")


def _set_access(answer: Answer) -> None:
    in_target(
        "chpasswd", *(["--encrypted"] if answer.password_is_hash else []), given=f"root:{answer.password}\n"
    )
    if answer.ssh_keys:
        write("/root/.ssh/authorized_keys", "".join(f"{key}\n" for key in answer.ssh_keys), 0o600)
        (TARGET / "root/.ssh").chmod(0o700)
    write("/etc/ssh/sshd_config.d/standin.conf", "PermitRootLogin yes\n")
    (TARGET / "etc/systemd/system/multi-user.target.wants/frr.service").unlink(missing_ok=True)


def _set_first_boot(answer: Answer, hook: Path) -> None:
    folder = TARGET / _FOLDER.lstrip("/")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(hook, folder / "proxmox-first-boot")
    (folder / "proxmox-first-boot").chmod(0o700)
    write(f"{_FOLDER}/pending-first-boot-setup", "")
    unit = _UNITS[str(answer.first_boot.get("ordering", "fully-up"))]
    in_target("systemctl", "enable", "--quiet", f"proxmox-first-boot-{unit}.service")


def _memory() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    raise LookupError("no MemTotal")
