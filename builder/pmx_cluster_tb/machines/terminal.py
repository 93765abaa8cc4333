"""A serial line as pexpect wants it, read all the time.

`pexpect.fdpexpect.fdspawn` reads only while something is expected. Of a guest's output, which QEMU passes on
in writes of a few bytes, a socket holds some kilobytes; then the guest waits at its next line.
"""

import codecs
import re
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from pexpect.exceptions import EOF, TIMEOUT
from pexpect.spawnbase import SpawnBase

if TYPE_CHECKING:
    _Spawn = SpawnBase[str]
else:
    _Spawn = SpawnBase

LineListener = Callable[[str], None]
"""Is called with each whole line, without escape sequences, from the thread that reads."""

_ESCAPES = re.compile(
    r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[()][0-9A-Za-z]|[=>78cM])|[\x00-\x08\x0b-\x1f\x7f]"
)
_KEPT_LINES = 400


class Terminal(_Spawn):
    """The other end of a guest's serial line. It reads until the line is closed."""

    def __init__(self, line: socket.socket, listener: LineListener = lambda _: None) -> None:
        super().__init__(timeout=30, maxread=1 << 16, encoding="utf-8", codec_errors="replace")
        self._line = line
        self._listener = listener
        self._arrived = threading.Condition()
        self._unread: list[str] = []
        self._closed = False
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._begun = ""
        self._reader = threading.Thread(target=self._read_on, daemon=True, name="serial line")
        self._reader.start()

    def read_nonblocking(self, size: int = 1, timeout: float | None = -1) -> str:
        """What arrived since the last time, at most `size` characters; waits `timeout` seconds for it."""
        patience = self.timeout if timeout == -1 else timeout
        with self._arrived:
            self._arrived.wait_for(lambda: self._unread or self._closed, patience)
            if not self._unread:
                raise EOF("the serial line is closed") if self._closed else TIMEOUT("nothing arrived")
            text = "".join(self._unread)
            self._unread = [text[size:]] if text[size:] else []
            return text[:size]

    def send(self, text: str) -> int:
        """Types `text`."""
        try:
            self._line.sendall(text.encode())
        except OSError:
            raise EOF("the serial line is closed") from None
        return len(text)

    def last_lines(self) -> list[str]:
        """The lines kept that are not empty, without escape sequences, the begun one too."""
        with self._arrived:
            lines = [*self._lines, _plain(self._begun)]
        return [line for line in lines if line.strip()]

    def close(self) -> None:
        """Ends the reading; what arrived stays."""
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._reader.join(timeout=5)
        self._line.close()

    def _read_on(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while True:
            try:
                received = self._line.recv(65536)
            except OSError:
                received = b""
            if not received:
                break
            self._take(decoder.decode(received))
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()

    def _take(self, text: str) -> None:
        with self._arrived:
            self._unread.append(text)
            *lines, self._begun = (self._begun + text).split("\n")
            plain = [_plain(line) for line in lines]
            self._lines.extend(plain)
            self._arrived.notify_all()
        for line in plain:
            self._listener(line)


def _plain(line: str) -> str:
    return _ESCAPES.sub("", line.replace("\t", " ")).rstrip()
