"""Programs that a test starts: with a deadline, and with all they said when they fail."""

import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shutil import which
from typing import IO

import pytest

PACKAGES = {
    "apt-ftparchive": "apt-utils",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "debugfs": "e2fsprogs",
    "depmod": "kmod",
    "dh": "debhelper",
    "dnsmasq": "dnsmasq-base",
    "dpkg-buildpackage": "dpkg-dev",
    "dpkg-deb": "dpkg",
    "fsck.exfat": "exfatprogs",
    "git": "git",
    "gpg": "gnupg",
    "grub-mkrescue": "grub-common",
    "grub-script-check": "grub-common",
    "ip": "iproute2",
    "lintian": "lintian",
    "losetup": "mount",
    "mcopy": "mtools",
    "mformat": "mtools",
    "mkfs.exfat": "exfatprogs",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.xfs": "xfsprogs",
    "mksquashfs": "squashfs-tools",
    "mmdebstrap": "mmdebstrap",
    "mount.exfat-fuse": "exfat-fuse",
    "nsenter": "util-linux",
    "openssl": "openssl",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "setpriv": "util-linux",
    "sfdisk": "fdisk",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
    "xorriso": "xorriso",
    "zstd": "zstd",
}
"""The Debian package of each program that tests start."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished program said, and its exit status."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Both outputs, one after the other: what dpkg says to stderr, apt passes on to stdout."""
        return self.stdout + self.stderr

    def __str__(self) -> str:
        lines = [f"$ {shlex.join(self.argv)}", f"exit status {self.status}"]
        lines += [text.rstrip() for text in (self.stdout, self.stderr) if text]
        return "\n".join(lines)


class CommandFailed(AssertionError):
    """A program ended with another status than 0, or not in time."""


def require(*programs: str) -> None:
    """Fail the test when a program is missing, with the name of its Debian package."""
    missing = sorted({PACKAGES[program] for program in programs if which(program) is None})
    if missing:
        pytest.fail(f"this test needs: apt-get install {' '.join(missing)}", pytrace=False)


def run(
    argv: Sequence[str],
    *,
    shown: Sequence[str] | None = None,
    check: bool = True,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    seconds: float = 120,
) -> Outcome:
    """Run `argv`; `shown` is the command line to show instead when it fails.

    The output goes to files: a daemon that a maintainer script leaves behind would hold a pipe open.
    """
    shown = tuple(shown or argv)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as given:
        given.write(stdin.encode())
        given.seek(0)
        try:
            status = subprocess.run(
                argv, stdin=given, stdout=out, stderr=err, env=env, timeout=seconds, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            status = -1
        said = [_text(file) for file in (out, err)]
    outcome = Outcome(shown, status, *said)
    if status == -1:
        raise CommandFailed(f"not finished after {seconds} s\n{outcome}")
    if check and status != 0:
        raise CommandFailed(str(outcome))
    return outcome


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
