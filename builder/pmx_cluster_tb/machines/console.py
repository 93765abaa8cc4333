"""A machine's serial console: text that comes, a login, and a root shell."""

import re
import socket
from datetime import timedelta

from pexpect.exceptions import EOF, TIMEOUT

from pmx_cluster_tb.machines import shell
from pmx_cluster_tb.machines.failure import Deadline, MachineFailed
from pmx_cluster_tb.machines.shell import Result
from pmx_cluster_tb.machines.terminal import LineListener, Terminal

# a shell tells of the "Last login: " when somebody is in
_LOGIN = r"(?<!Last )\blogin: "
_SECRET_PROMPT = re.compile("[Pp]assword: ")
_REFUSED = "Login incorrect"
_SHELL_PROMPT = r"[#$] \Z"
_TRIES_AGAIN = timedelta(seconds=10)
_PRINTED_AGAIN = 3
_SHOWN_LINES = 25


class ConsoleClosed(MachineFailed):
    """The machine is off, so nothing comes any more."""


class Console:
    """The serial console of the machine `name`, at the other end of a connected socket.

    `commands` is how many its shell has run, more than 0 on the console of a machine that was restored: what
    is late of an earlier one is then not taken for the answer to a new one.
    """

    def __init__(
        self, name: str, line: socket.socket, listener: LineListener = lambda _: None, *, commands: int = 0
    ) -> None:
        self.name = name
        self.commands = commands
        self._terminal = Terminal(line, listener)

    def last_lines(self) -> str:
        """What the console said last, for messages."""
        said = self._terminal.last_lines()
        lines = [line for line in said if not line.startswith(shell.FRAME)][-_SHOWN_LINES:]
        return "\n".join([f"the console of {self.name} said last:", *(f"  {line}" for line in lines)])

    def close(self) -> None:
        """Ends it; what it said stays to be shown."""
        self._terminal.close()

    def expect(self, pattern: str | re.Pattern[str], deadline: Deadline) -> re.Match[str]:
        """Waits for text that `pattern` matches, among what was not yet looked at."""
        return self._first([pattern], deadline, f"`{_text(pattern)}`")[1]

    def send(self, text: str) -> None:
        """Types `text` as it is."""
        try:
            self._terminal.send(text)
        except EOF:
            raise self._failure(ConsoleClosed, "the machine is off") from None

    def log_in(self, user: str, password: str | None, deadline: Deadline) -> None:
        """Logs in on a getty and makes the shell ready for commands.

        Kernel messages may hide a prompt, and a getty and a login throw away what was typed early: so it asks
        for the prompt again and again until the deadline.
        """
        prompts: list[str | re.Pattern[str]] = [
            _LOGIN,
            _SECRET_PROMPT,
            _REFUSED,
            self._shell_mark(),
            _SHELL_PROMPT,
        ]
        name_asked, password_asked, refused, own_shell, any_shell = range(len(prompts))
        # a second prompt that comes late may be no more true: a shell that shows itself counts all the same
        is_in = may_be_in = False
        while True:
            index, _ = self._maybe(prompts, deadline, Deadline(_TRIES_AGAIN), "login")
            if index == name_asked:
                self.send(f"{user}\n")
                is_in = password is None
                may_be_in |= is_in
            elif index == password_asked:
                self.send(f"{password or ''}\n")
                is_in = may_be_in = True
            elif index == refused:
                raise self._failure(MachineFailed, f"login as `{user}` is refused")
            elif index == own_shell:
                break
            elif is_in or (may_be_in and index == any_shell):
                self._ask_for_shell()
            elif index is None:
                self.send("\n")
        self._prepare(deadline)

    def take_shell(self, deadline: Deadline) -> None:
        """Makes a shell ready that is there without a login."""
        while True:
            self._ask_for_shell()
            index, _ = self._maybe([self._shell_mark()], deadline, Deadline(_TRIES_AGAIN), "shell")
            if index == 0:
                break
        self._prepare(deadline)

    def run(self, command: str, deadline: Deadline) -> Result:
        """Runs `command` in the shell that `log_in` or `take_shell` made ready."""
        self.commands += 1
        number = self.commands
        for line in shell.typed(number, command):
            self.send(f"{line}\n")
        what = f"end of `{command}`"
        for _ in range(_PRINTED_AGAIN):
            text, match = self._first([shell.end_mark(number)], deadline, what, interrupt=True)
            output = shell.printed(number, text, int(match["size"]))
            if output is not None:
                return Result(command, int(match["status"]), output)
            self.send(f"{shell.AGAIN}\n")
        raise self._failure(MachineFailed, f"the output of `{command}` came broken {_PRINTED_AGAIN} times")

    def type_command(self, command: str) -> None:
        """Runs `command` without waiting for its end, as one that ends the shell."""
        self.commands += 1
        for line in shell.typed(self.commands, command):
            self.send(f"{line}\n")

    def _shell_mark(self) -> re.Pattern[str]:
        return shell.ready_mark(self.commands)[1]

    def _ask_for_shell(self) -> None:
        self.send(f"{shell.ready_mark(self.commands)[0]}\n")

    def _prepare(self, deadline: Deadline) -> None:
        for lines in ([shell.SILENCE], shell.definitions()):
            for line in lines:
                self.send(f"{line}\n")
            self.commands += 1
            self._ask_for_shell()
            self._first([self._shell_mark()], deadline, "silent shell")

    def _first(
        self, patterns: list[str | re.Pattern[str]], deadline: Deadline, what: str, *, interrupt: bool = False
    ) -> tuple[str, re.Match[str]]:
        index, text = self._maybe(patterns, deadline, deadline, what)
        match = self._terminal.match
        if index is None or not isinstance(match, re.Match):
            if interrupt:
                self.send("\x03")
            raise self._failure(MachineFailed, f"no {what} within {deadline}")
        return text, match

    def _maybe(
        self, patterns: list[str | re.Pattern[str]], deadline: Deadline, attempt: Deadline, what: str
    ) -> tuple[int | None, str]:
        """Which pattern came and the text before it; no index if none came before the end of `attempt`."""
        compiled = [re.compile(pattern) if isinstance(pattern, str) else pattern for pattern in patterns]
        seconds = min(deadline.seconds_left, attempt.seconds_left)
        index = self._terminal.expect([*compiled, EOF, TIMEOUT], timeout=seconds)
        if index == len(compiled):
            raise self._failure(ConsoleClosed, f"the machine went off before the {what}")
        if index == len(compiled) + 1:
            if deadline.is_over and attempt is not deadline:
                raise self._failure(MachineFailed, f"no {what} within {deadline}")
            return None, ""
        return index, self._terminal.before or ""

    def _failure(self, kind: type[MachineFailed], what: str) -> MachineFailed:
        return kind(f"{self.name}: {what}\n{self.last_lines()}")


def _text(pattern: str | re.Pattern[str]) -> str:
    return pattern if isinstance(pattern, str) else pattern.pattern
