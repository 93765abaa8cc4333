"""Reads the files that a cluster file names: password hashes and the repository's public key."""

import base64
import binascii
import re
import shlex
import stat
from pathlib import Path

from pmx_cluster_tb.model.cluster import PasswordHash
from pmx_cluster_tb.model.cluster_of import Files
from pmx_cluster_tb.model.credentials import HASH_HINT, parse_hash
from pmx_cluster_tb.model.lines import KeyPath
from pmx_cluster_tb.model.report import Refusal, Report, is_secret, shown
from pmx_cluster_tb.model.tables import FileTable

_MAXIMUM_BYTES = 1 << 16


def read_files(file: FileTable, folder: Path, report: Report) -> Files:
    """The content of the files that `file` names, relative to `folder`."""
    access, repository = file.access, file.repository
    user = access.user if access else None
    reader = _Reader(folder, report)
    return Files(
        root_password_hash=reader.password_hash(
            access.root_password_hash_file if access else None, ("access", "root-password-hash-file")
        ),
        user_password_hash=reader.password_hash(
            user.password_hash_file if user else None, ("access", "user", "password-hash-file")
        ),
        repository_key=reader.public_key(repository.key_file if repository else None, ("repository", "key")),
    )


class _Reader:
    def __init__(self, folder: Path, report: Report) -> None:
        self._folder = folder
        self._report = report

    def password_hash(self, name: str | None, path: KeyPath) -> PasswordHash | None:
        if name is None:
            return None
        try:
            return password_hash(self._folder / name)
        except Refusal as refusal:
            self._report.error(path, f"{shown(name)} {refusal.rule}", refusal.hint)
            return None

    def public_key(self, name: str | None, path: KeyPath) -> bytes | None:
        if name is None:
            return None
        try:
            return _public_key(self._folder / name)
        except Refusal as refusal:
            self._report.error(path, f"{shown(name)} {refusal.rule}", refusal.hint)
            return None


def _content(path: Path, *, private: bool) -> bytes:
    """What stands in the file. Raises Refusal."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise Refusal("is a folder, not a file")
        if not stat.S_ISREG(status.st_mode):
            raise Refusal("is not a regular file")
        if private and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Refusal("can be read or changed by others", f"`chmod 600 {shlex.quote(str(path))}`")
        with path.open("rb") as stream:
            content = stream.read(_MAXIMUM_BYTES + 1)
    except FileNotFoundError:
        hint = _make_hash(path) if private else f"it is looked for as {shown(path)}"
        raise Refusal("does not exist", hint) from None
    except OSError as error:
        raise Refusal(f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(content) > _MAXIMUM_BYTES:
        raise Refusal("is larger than 64 KiB")
    return content


def _make_hash(path: Path) -> str:
    """How to make the file; without its name where that is a hash, put in the place of a name."""
    hidden = is_secret(str(path))
    return HASH_HINT if hidden else f"`(umask 077; pmx-cluster-tb hash-password > {shlex.quote(str(path))})`"


def password_hash(path: Path) -> PasswordHash:
    """The hash that the file holds, which nobody but its owner may read. Raises Refusal."""
    try:
        text = _content(path, private=True).decode("ascii").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Refusal("must hold a hash: one line of ASCII") from None
    if not text:
        raise Refusal("is empty", _make_hash(path))
    if not text.isprintable():
        raise Refusal("must hold one line, the hash")
    try:
        return parse_hash(text)
    except Refusal as refusal:
        raise Refusal(f"holds no hash that can be used: it {refusal.rule}", refusal.hint) from None


_ARMOR = re.compile(
    r"-----BEGIN PGP PUBLIC KEY BLOCK-----\n(?:[A-Za-z]+: [^\n]*\n)*\n"
    r"(?P<body>(?:[A-Za-z0-9+/]+={0,2}\n)+)(?:=(?P<sum>[A-Za-z0-9+/]{4})\n)?"
    r"-----END PGP PUBLIC KEY BLOCK-----\n?"
)
_PUBLIC_KEY_PACKET = 6
"""RFC 9580 section 5: the type of the packet that a transferable public key begins with."""


def _public_key(path: Path) -> bytes:
    content = _content(path, private=False)
    if b"PRIVATE KEY" in content:
        raise Refusal(
            "holds a private key: it must never be here, where every node gets a copy",
            "`gpg --armor --export KEY` writes the public one",
        )
    text = content.decode("ascii", "replace").replace("\r\n", "\n").strip() + "\n"
    found = _ARMOR.fullmatch(text)
    if not found:
        raise Refusal(
            "must hold one armored public key, from `-----BEGIN PGP PUBLIC KEY BLOCK-----` to its end",
            "`gpg --armor --export KEY` writes it",
        )
    try:
        packets = base64.b64decode(found["body"].replace("\n", ""), validate=True)
    except binascii.Error:
        raise Refusal("is damaged: the key is not base64") from None
    if found["sum"] and base64.b64decode(found["sum"]) != _crc24(packets):
        raise Refusal("is damaged: the key has another checksum")
    if _packet_type(packets[0]) != _PUBLIC_KEY_PACKET:
        raise Refusal("must hold a public key; its first packet is of another type")
    return text.encode()


def _crc24(content: bytes) -> bytes:
    """The checksum of an armor (RFC 9580 section 6.1.1)."""
    crc = 0xB704CE
    for octet in content:
        crc ^= octet << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc.to_bytes(3, "big")


def _packet_type(first: int) -> int | None:
    """The type that the first octet of an OpenPGP packet says."""
    if not first & 0x80:
        return None
    return first & 0x3F if first & 0x40 else (first & 0x3C) >> 2
