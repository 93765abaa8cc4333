"""What this computer, the desk, knows of what a cluster file wants.

Linux and macOS. Nothing here asks, changes or fails: what cannot be told, or what the installer would not
take, is empty.
"""

import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from pmx_cluster_tb.model.report import Refusal
from pmx_cluster_tb.model.ssh_keys import parse_ssh_key
from pmx_cluster_tb.model.words import words

_ZONES = "zoneinfo/"
_SOMEWHERE = "192.0.2.1"
"""An address for documentation (RFC 5737), beyond every router."""

_LAYOUTS = {
    "us": "en-us",
    "gb": "en-gb",
    "uk": "en-gb",
    "be": "fr-be",
    "br": "pt-br",
    "ca": "fr-ca",
    "ch": "de-ch",
}
"""The installer's names of layouts that xkeyboard-config or the console calls otherwise."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An OpenSSH public key and the file that it stands in."""

    file: Path
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Desk:
    """The computer whose files are below `root`, and the user whose home and environment these are."""

    root: Path
    home: Path
    environment: Mapping[str, str]

    def timezone(self) -> str:
        """Its time zone, by the name that the installer knows."""
        for name in self._timezone_names():
            if zone := _installers_zone(name):
                return zone
        return ""

    def country(self) -> str:
        """The country of its time zone, else the one of its user's language."""
        zone = self.timezone()
        rows = (line.split("\t") for line in self._lines("usr/share/zoneinfo/zone.tab"))
        by_zone = {row[2]: row[0].lower() for row in rows if len(row) > 2}
        return _known("countries", by_zone.get(zone) or self._country_of_the_language())

    def keyboard(self) -> str:
        """Its keyboard layout, where Linux says it, by the installer's name."""
        settings = self._settings("etc/vconsole.conf") | self._settings("etc/default/keyboard")
        layouts, keymap = settings.get("XKBLAYOUT", ""), settings.get("KEYMAP", "")
        layout = layouts.partition(",")[0] or keymap.partition("-")[0]
        if layout == "ch" and settings.get("XKBVARIANT", "").startswith("fr"):
            return "fr-ch"
        return _known("keyboards", _LAYOUTS.get(layout, layout))

    def public_keys(self) -> tuple[PublicKey, ...]:
        """The public keys in ~/.ssh of its user."""
        return tuple(self._public_keys())

    def _timezone_names(self) -> Iterator[str]:
        yield self.environment.get("TZ", "").removeprefix(":")
        try:
            target = str((self.root / "etc/localtime").readlink())
        except OSError:
            target = ""
        yield target.partition(_ZONES)[2]
        yield from self._lines("etc/timezone")[:1]

    def _country_of_the_language(self) -> str:
        language = next(filter(None, map(self.environment.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "")
        found = re.match(r"[a-z]{2,3}_([A-Z]{2})\b", language or "")
        return found[1].lower() if found else ""

    def _public_keys(self) -> Iterator[PublicKey]:
        for file in sorted((self.home / ".ssh").glob("*.pub")):
            # the certificate of a key is no key
            if not file.name.endswith("-cert.pub"):
                with suppress(Refusal):
                    yield PublicKey(file, parse_ssh_key(public_key_line(file)))

    def _lines(self, path: str) -> list[str]:
        return _lines(self.root / path)

    def _settings(self, path: str) -> dict[str, str]:
        pairs = (line.partition("=") for line in self._lines(path) if not line.startswith("#"))
        return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def public_key_line(file: Path) -> str:
    """The first line of a file that ssh-keygen made, if it is printable."""
    line = next(iter(_lines(file)), "").strip()
    return line if line.isprintable() else ""


def this_desk() -> Desk:
    """The computer and the user that the program runs on and for."""
    return Desk(Path("/"), Path("~").expanduser(), os.environ)


def lan_address() -> IPv4Address | None:
    """The IPv4 address that this computer has in its LAN; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        try:
            datagrams.connect((_SOMEWHERE, 9))
        except OSError:
            return None
        return IPv4Address(datagrams.getsockname()[0])


def _installers_zone(name: str) -> str:
    name = name.strip().removeprefix("posix/").removeprefix("right/")
    aliases = dict(line.split() for line in words("timezone-aliases"))
    return _known("timezones", aliases.get(name, name))


def _known(list_name: str, word: str) -> str:
    return word if word in words(list_name) else ""


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
