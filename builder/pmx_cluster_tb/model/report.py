"""Collects the problems of one cluster file, each with its line."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from pmx_cluster_tb.model.lines import KeyPath, written
from pmx_cluster_tb.problems import Position, Problem, Severity

_LONGEST_SHOWN = 60
_MOST_DECIMAL_BITS = 256
_LOGIN = re.compile(r"(?<=://)\S*@|[^\s:/]*:[^\s/]\S*@")
"""Before a host, in a URL or alone. A password may hold `/` and `@`, so up to the last `@`."""
_SECRETS = re.compile(r"\$[0-9a-z]{1,10}\$.{16,}|\$[./0-9A-Za-z]{30,}|-----BEGIN", re.DOTALL)


@dataclass(slots=True)
class Report:
    """The problems found so far in `file`, whose parts stand on `lines`."""

    file: str
    lines: dict[KeyPath, int]
    problems: list[Problem] = field(default_factory=list)

    def error(self, path: KeyPath, message: str, hint: str = "") -> None:
        """What stands at `path`, or is missing there, cannot be used."""
        self._add(Severity.ERROR, path, message, hint)

    def warning(self, path: KeyPath, message: str, hint: str = "") -> None:
        """What stands at `path` can be used, but look again."""
        self._add(Severity.WARNING, path, message, hint)

    def has(self, path: KeyPath) -> bool:
        """Whether the file gives `path`, right or wrong."""
        return path in self.lines

    def is_wrong(self, path: KeyPath) -> bool:
        """Whether an error has been reported for exactly `path`."""
        name = written(path)
        return any(problem.path == name and problem.severity is Severity.ERROR for problem in self.problems)

    def in_file_order(self) -> tuple[Problem, ...]:
        """Every problem once, by line; those of one line as they were found."""
        return tuple(sorted(dict.fromkeys(self.problems), key=lambda problem: problem.position.line))

    def _add(self, severity: Severity, path: KeyPath, message: str, hint: str) -> None:
        position = Position(self.file, self._line(path))
        self.problems.append(
            Problem(severity=severity, position=position, path=written(path), message=message, hint=hint)
        )

    def _line(self, path: KeyPath) -> int:
        """The line of `path`, or of the innermost table around it that the file has; 0 if there is none."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)


class Refusal(Exception):
    """Why a value is refused. `rule` continues the sentence that begins with the value: `must be ...`."""

    def __init__(self, rule: str, hint: str = "") -> None:
        super().__init__(rule)
        self.rule = rule
        self.hint = hint


def shown(value: object) -> str:
    """`value` in backticks for a message: one line, not endless, and never a hash or a private key."""
    text = _LOGIN.sub("...@", plain_text(value))
    if is_secret(text):
        return "`...`"
    if len(text) > _LONGEST_SHOWN:
        text = text[: _LONGEST_SHOWN - 3] + "..."
    return "`" + "".join(c if c.isprintable() and c != "`" else f"\\u{ord(c):04x}" for c in text) + "`"


def is_secret(text: str) -> bool:
    """Whether `text` holds what looks like a hash or a private key."""
    return bool(_SECRETS.search(text))


def plain_text(value: object) -> str:
    """`value` as TOML writes it, without quotes; a number of thousands of digits in base 16."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > _MOST_DECIMAL_BITS:
        return hex(value)
    return str(value)


def listed(values: Iterable[object], conjunction: str = "and") -> str:
    """`a`, `b` and `c`, each in backticks."""
    *most, last = [shown(value) for value in values]
    return f"{', '.join(most)} {conjunction} {last}" if most else last


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The one of `words` that `word` was probably meant to be."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    found = get_close_matches(word[:_LONGEST_SHOWN], list(words), n=1)
    return found[0] if found else None
