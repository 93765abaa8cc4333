"""Commands over a serial line, among whatever else a guest prints there.

A line typed into a shell comes back as an echo, and the kernel and systemd write between any two characters.
So the marks that are waited for are typed in two halves, which only the shell joins. Output travels in lines
of base64 that carry the command's number, and the guest says how many bytes they must make.
"""

import base64
import binascii
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

_TYPED_AT_ONCE = 1000
"""Characters in a line that is typed: a terminal takes at most 4095 (termios(3), canonical mode)."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a command in a guest printed, both outputs as one, and its exit status."""

    command: str
    status: int
    output: str

    def __str__(self) -> str:
        return f"`{self.command}` ended with status {self.status}\n{self.output}".rstrip()


FRAME = "pmx:"
"""What each line of the guest's answers begins with."""

SILENCE = "stty -echo -ixon; exec env PS1= PS2= sh"
"""Puts a shell that neither echoes nor asks in the place of one for people."""

_RUN = """pmx_run() {
( trap - INT; eval "$pmx_c" ) >"$pmx_o" 2>&1 </dev/null
pmx_s=$?
pmx_say
}
pmx_say() {
echo
base64 "$pmx_o" | sed "s/^/pmx:$pmx_n:/"
echo "pmx:"$pmx_n" status $pmx_s of $(wc -c <"$pmx_o" | tr -d ' ') bytes"
}"""


def definitions() -> Iterator[str]:
    """The lines that teach a shell to run commands as `typed` types them."""
    yield "dmesg -n 1 2>/dev/null; pmx_o=$(mktemp)"
    yield from _RUN.splitlines()


def ready_mark(number: int) -> tuple[str, re.Pattern[str]]:
    """A line to type, and what a shell that takes it prints."""
    return f"echo pmx-'shell-{number}-'ready", re.compile(rf"pmx-shell-{number}-ready")


def typed(number: int, command: str) -> Iterator[str]:
    """The lines that run `command` as the one with `number`."""
    yield f"pmx_n={number} pmx_c="
    quoted = [command[at : at + _TYPED_AT_ONCE] for at in range(0, len(command), _TYPED_AT_ONCE)]
    for part in quoted:
        # a newline in quotes ends a typed line as well, which no shell minds
        yield f"pmx_c=${{pmx_c}}{shlex.quote(part)}"
    yield "pmx_run"


def end_mark(number: int) -> re.Pattern[str]:
    """What the guest prints when the command with `number` has ended: groups `status` and `size` in bytes."""
    return re.compile(rf"pmx:{number} status (?P<status>\d+) of (?P<size>\d+) bytes")


AGAIN = "pmx_say"
"""Has the guest print the same once more."""


def printed(number: int, text: str, size: int) -> str | None:
    """The output in what came over the line; None if something got between its lines."""
    lines = re.findall(rf"pmx:{number}:([A-Za-z0-9+/=]*)\r?$", text, re.MULTILINE)
    try:
        content = base64.b64decode("".join(lines), validate=True)
    except binascii.Error:
        return None
    return content.decode(errors="replace") if len(content) == size else None
