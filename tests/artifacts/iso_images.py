"""Prepared images made without xorriso: any file may be a source."""

from pathlib import Path

from pmx_cluster_tb.artifacts.iso.image import Patch, PreparedImage, image_chunks
from pmx_cluster_tb.artifacts.iso.read import Iso, read_iso
from tests.tiny_iso import tiny_proxmox_iso


def written_source(path: Path, size: int = 3_000_000) -> Iso:
    """An ISO of about `size` bytes at `path`."""
    noise = bytes(range(251)) * (size // 251)
    path.write_bytes(tiny_proxmox_iso(more={"pve-base.squashfs": noise}))
    return read_iso(path)


def image_of(source: Iso, mark: bytes = b"m") -> PreparedImage:
    """The source with two patches, one of which is appended; `mark` tells images apart."""
    appended = Patch(source.size, mark * 100_000)
    return PreparedImage(
        source=source, size=appended.end, patches=(Patch(16 * 2048 + 5, mark * 4000), appended)
    )


def bytes_of(image: PreparedImage) -> bytes:
    """All of an image."""
    return b"".join(map(bytes, image_chunks(image)))
