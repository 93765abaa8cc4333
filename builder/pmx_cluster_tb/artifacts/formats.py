"""What a file is that is not what was asked for, by its first bytes."""

from pmx_cluster_tb.artifacts.iso.iso9660 import MAGIC, MAGIC_OFFSET

HEAD_BYTES = MAGIC_OFFSET + len(MAGIC)
"""So many bytes of its beginning tell what a file is."""

_FORMATS = {
    b"PK\x03\x04": "a zip archive",
    b"\x7fELF": "a Linux program",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"QFI\xfb": "a QEMU disk image",
    b"!<arch>": "a Debian package or another ar archive",
    b"-----BEGIN PGP": "an OpenPGP key or signature",
    b"#!": "a script",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a PNG image",
}


def format_of(head: bytes) -> str:
    """What begins with `head`, with its article: `an xz file`, `empty`."""
    for magic, title in _FORMATS.items():
        if head.startswith(magic):
            return title
    if head[MAGIC_OFFSET : MAGIC_OFFSET + len(MAGIC)] == MAGIC:
        return "an ISO image"
    if not head:
        return "empty"
    return "text" if _is_text(head) else "binary data of an unknown kind"


def _is_text(head: bytes) -> bool:
    # it may be cut within a character
    return b"\0" not in head and head.decode("utf-8", "replace").rstrip("\ufffd").count("\ufffd") == 0
