"""Digests of images that are computed while the images are written and read back."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

from pmx_cluster_tb.artifacts.iso.image import PreparedImage, image_chunks

_AT_ONCE = 2
"""An image, and the source of all beside the first."""


class Digests:
    """Computes SHA-256 in threads of its own: hashlib lets others run meanwhile."""

    def __init__(self, pool: ThreadPoolExecutor, stopped: Event) -> None:
        self._pool, self._stopped = pool, stopped

    def begin(self, image: PreparedImage) -> "Future[str]":
        """Begins with the SHA-256 of `image`. Its `result` raises what `image_chunks` does."""
        return self._pool.submit(self._sha256, image)

    def _sha256(self, image: PreparedImage) -> str:
        digest = hashlib.sha256()
        for chunk in image_chunks(image):
            if self._stopped.is_set():
                break
            digest.update(chunk)
        return digest.hexdigest()


@contextmanager
def digests() -> Iterator[Digests]:
    """What was begun and is not wanted any more at the end is given up."""
    stopped = Event()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            yield Digests(pool, stopped)
        finally:
            stopped.set()
