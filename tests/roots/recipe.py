"""What a root is made from: a release of Debian, where to get it, and packages."""

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass

RELEASES = ("bookworm", "trixie")
"""Debian 12 and 13, which Proxmox VE 8 and 9 stand on."""

_PACKAGES = (
    "apt-utils",  # apt-ftparchive, and no "delaying package configuration"
    "ca-certificates",
    "dbus",  # systemctl asks it
    "frr",  # pmx-ring depends on it, as on those below: tests install without a network
    "frr-pythontools",
    "ifupdown2",  # as on Proxmox VE, instead of ifupdown
    "initramfs-tools",  # the refreshed initramfs
    "init",
    "iproute2",
    "iputils-ping",
    "kmod",
    "libfaketime",  # wrong clocks
    "lldpd",
    "procps",
    "python3",
    "systemd-sysv",
    "udev",
)

_BUILDER_PACKAGES = {
    # Python 3.13 and Debian's own versions of what the builder is made of: a second place to build in
    "trixie": (
        "python3-click",
        "python3-debian",
        "python3-jinja2",
        "python3-pexpect",
        "python3-rich",
        "python3-tomli-w",
    ),
}

_OPTIONS = ("--mode=root", "--variant=minbase", "--format=directory")

_HOOKS = (
    # mmdebstrap copies these two from the machine it runs on
    'echo debian > "$1/etc/hostname"',
    'rm -f "$1/etc/resolv.conf"',
    # what reached the mirror from this machine is no part of a Debian system
    'rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap"',
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides what is in a root. `sources` are lines of a sources.list."""

    release: str
    sources: tuple[str, ...]
    packages: tuple[str, ...]
    options: tuple[str, ...] = _OPTIONS
    hooks: tuple[str, ...] = _HOOKS

    @property
    def name(self) -> str:
        """`<release>-<digest>`: another recipe, another name."""
        digest = hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()
        return f"{self.release}-{digest[:16]}"

    def command(self, target: str) -> list[str]:
        """The command that makes it in the folder `target`."""
        return [
            "mmdebstrap",
            "--quiet",
            *self.options,
            f"--include={','.join(self.packages)}",
            *(f"--aptopt={line}" for line in transport_options()),
            *(f"--customize-hook={hook}" for hook in self.hooks),
            self.release,
            target,
            *self.sources,
        ]


def recipe(release: str) -> Recipe:
    """The recipe for `release`, from the mirrors that apt uses on this machine."""
    packages = (*_PACKAGES, *_BUILDER_PACKAGES.get(release, ()))
    return Recipe(release, tuple(_sources(release)), packages)


def _sources(release: str) -> Iterator[str]:
    """This machine's own Debian sources, turned to `release`.

    apt itself reads them, whether they are written as lines or as paragraphs. It lists those whose indexes it
    has: without an `apt-get update` there are none.
    """
    text = _said_by(
        "apt-get", "indextargets", "--format", "$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)"
    )
    found = False
    for line in sorted(set(text.splitlines())):
        kind, uri, suite, component = line.split(" ", 3)
        debian = re.fullmatch(rf"({'|'.join(RELEASES)})(|-updates|-security)", suite)
        if kind == "Packages" and component == "main" and debian:
            found = True
            yield f"deb {uri} {release}{debian[2]} main"
    if not found:
        raise LookupError("apt knows no mirror of Debian on this machine: `apt-get update` first")


def transport_options() -> list[str]:
    """How apt reaches its mirrors on this machine: proxies and the like."""
    return re.findall(r"(?m)^Acquire::https?::.*;$", _said_by("apt-config", "dump"))


def _said_by(*argv: str) -> str:
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout
