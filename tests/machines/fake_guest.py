"""A guest that is no machine: shells, gettys and monitors at the other end of a socket."""

import json
import os
import pty
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from pmx_cluster_tb.machines.failure import Deadline

Script = Callable[[socket.socket], None]
"""What a guest does at its end of the line; the line is closed when it returns."""


def within(seconds: float) -> Deadline:
    """A deadline for tests."""
    return Deadline(timedelta(seconds=seconds))


@contextmanager
def guest(script: Script) -> Iterator[socket.socket]:
    """Our end of a line with `script` at the other."""
    ours, theirs = socket.socketpair()

    def play() -> None:
        with theirs, suppress(OSError):
            script(theirs)

    player = threading.Thread(target=play, daemon=True)
    player.start()
    try:
        yield ours
    finally:
        with suppress(OSError):
            ours.shutdown(socket.SHUT_RDWR)
        player.join(timeout=10)
        ours.close()


@contextmanager
def shell(*program: str, noise: bytes = b"", before: bytes = b"") -> Iterator[socket.socket]:
    """A line to `program` on a terminal of its own; what is typed there is echoed.

    `noise` comes again and again between what the program says, `before` once before everything.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(program[0], program)  # noqa: S606 # the shell is what is started
    try:
        with guest(lambda line: _connect(line, terminal, noise, before)) as ours:
            yield ours
            # reading from its terminal ends with it
            os.kill(pid, 9)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)


def _connect(line: socket.socket, terminal: int, noise: bytes, before: bytes) -> None:
    line.sendall(before)
    typist = threading.Thread(target=_type, args=(line, terminal), daemon=True)
    typist.start()
    with suppress(OSError):
        while said := os.read(terminal, 700):
            line.sendall(said)
            # whole lines, as the kernel writes them, and only where a line has ended
            if said.endswith(b"\n"):
                line.sendall(noise)


def _type(line: socket.socket, terminal: int) -> None:
    with suppress(OSError):
        while typed := line.recv(4096):
            os.write(terminal, typed)


def read_line(line: socket.socket) -> str:
    """The next line that is typed."""
    typed = b""
    while not typed.endswith(b"\n"):
        byte = line.recv(1)
        if not byte:
            raise OSError("closed")
        typed += byte
    return typed.decode().rstrip("\n")


def monitor(*answers: list[dict[str, Any]]) -> Script:
    """A monitor that greets, takes the first command, and says `answers` to those that follow, one each."""

    def play(line: socket.socket) -> None:
        _say(line, {"QMP": {"version": {}}})
        greeted: list[dict[str, Any]] = [{"return": {}}]
        for said in (greeted, *answers):
            read_line(line)
            for message in said:
                _say(line, message)

    return play


def _say(line: socket.socket, message: dict[str, Any]) -> None:
    line.sendall(json.dumps(message).encode() + b"\r\n")
