"""An initial RAM disk as Ventoy has it when it starts Proxmox's init, with a busybox for every program.

It runs in mount and network namespaces of its own; only `switch_root` and `sleep` are fakes. Ventoy's part is
done here as its scripts do it (`init_chain`, `ventoy_chain.sh`, `ventoy_loop.sh`, `hook/debian/pve-hook.sh`,
1.1.17).
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.roots.commands import Outcome, require, run

_SWITCH_ROOT = """#!/bin/sh
# says what the installer would find
answer=/mnt/.installer-mp/mnt/answer
mount -t proc proc /proc
echo "switched root"
grep -q "^[^ ]* $answer tmpfs " /proc/mounts && echo "mounted"
[ -e "$answer/answer.toml" ] && cat "$answer/answer.toml" >/delivered
exit 0
"""

_VENTOY = """#!/bin/sh
cd / && tar -xzf /ventoy/ventoy_injection -C / || exit 1
sed '/\\/sys\\/block\\/hd\\*/i\\
true the device of Ventoy is made' -i /init
sed 's#/sys/block/hd\\*#/sys/block/dm* /sys/block/hd*#' -i /init
case $1 in
    normal)
        sh /live_injection_7ed136ec_7a61_4b54_adc3_ae494d5106ea/hook.sh debian >/ventoy/log 2>&1
        sh /ventoy/hook/debian/ventoy-before-init.sh
        ;;
    grub2)
        sed '/switch_root.*\\/mnt\\/.installer-mp/i\\
true the command line is cleaned' -i /init
        sh /ventoy/hook/debian/ventoy-before-init.sh
        ;;
esac
exec sh /init
"""

MODES = ("normal", "grub2")


@dataclass(frozen=True, slots=True)
class RamDisk:
    """A root folder; `boot` runs what Ventoy and Proxmox's init do in it."""

    root: Path

    @classmethod
    def made_in(cls, root: Path, init: bytes, archive: bytes) -> "RamDisk":
        """With Proxmox's `init`, and `archive` to be injected; no node is chosen yet."""
        require("busybox", "ip", "unshare")
        busybox = shutil.which("busybox")
        assert busybox is not None
        disk = cls(root)
        for folder in ("bin", "sbin", "proc", "sys", "dev", "ventoy/busybox"):
            (root / folder).mkdir(parents=True)
        for folder in (".base", ".installer", ".installer-mp", ".workdir"):
            (root / "mnt" / folder).mkdir(parents=True)
        shutil.copy(busybox, root / "bin/busybox")
        for name in run([busybox, "--list"]).stdout.split():
            for folder in ("bin", "ventoy/busybox"):
                if not (link := root / folder / name).exists():
                    link.symlink_to("/bin/busybox")
        disk.write("sbin/switch_root", _SWITCH_ROOT.encode())
        (root / "ventoy/busybox/sleep").unlink()
        disk.write("ventoy/busybox/sleep", b"#!/bin/sh\n")
        disk.write("ventoy/ventoy_injection", archive)
        disk.write("ventoy.sh", _VENTOY.encode())
        # as when booted by network: no medium is searched
        disk.write("proxmox.iso", b"")
        for name in (".cd-info", ".pve-cd-id.txt"):
            disk.write(name, b"")
        disk.write("init", init)
        return disk

    def write(self, path: str, content: bytes) -> Path:
        """Puts an executable file there."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o755)
        return file

    def choose(self, answer: bytes) -> None:
        """What Ventoy's node menu does."""
        self.write("ventoy/autoinstall", answer)

    def boot(self, mode: str, *macs: str) -> Outcome:
        """On a machine with network cards of these `macs`; ends when the init has switched its root."""
        return self.run("/ventoy.sh", mode, macs=macs)

    def run(self, *command: str, macs: Sequence[str] = (), before: str = "") -> Outcome:
        """Runs a script of the RAM disk; `before` is a program outside of it that starts it."""
        cards = "".join(
            f"ip link add enp{number}s0 type bridge && ip link set enp{number}s0 address {mac} && "
            for number, mac in enumerate(macs)
        )
        script = f"{cards}exec {before} chroot {self.root} /bin/sh {' '.join(command)}"
        return run(
            ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", script],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )

    @property
    def delivered(self) -> bytes | None:
        """The answer that the installer found."""
        path = self.root / "delivered"
        return path.read_bytes() if path.exists() else None

    @property
    def init(self) -> str:
        return (self.root / "init").read_text()
