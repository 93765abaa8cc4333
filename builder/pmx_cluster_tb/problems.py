"""What can be wrong with what the user gave us: values to collect, and one exception to raise."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Severity(StrEnum):
    """An error stops the command; a warning does not, unless `check --strict` is asked for."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file that the user wrote. Lines count from 1; 0 stands for the file as a whole."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that does not hold.

    `path` is the key path as the user would write it (`node[2].nic.mac`, indices from 0; empty for the file
    as a whole). `message` says what must hold and shows the offending value, unless that value is a secret.
    """

    severity: Severity = Severity.ERROR
    position: Position
    path: str = ""
    message: str
    hint: str = ""

    @property
    def place(self) -> str:
        """File and line, and the key where there is one."""
        return f"{self.position}: {self.path}" if self.path else str(self.position)

    def __str__(self) -> str:
        lines = [f"{self.severity}: {self.place}: {self.message}"]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """The fields of the problem as JSON values."""
        return {
            "severity": str(self.severity),
            "file": self.position.file,
            "line": self.position.line,
            "path": self.path,
            "message": self.message,
            "hint": self.hint,
        }


class UserError(Exception):
    """Something that the user can act on; everything else that is raised is a bug of ours.

    `message` and `hint` follow the form of `Problem`. The command line prints them and exits with `status`:
    2 for bad input, 1 for an operation that failed.
    """

    status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadInput(UserError):
    """What the user gave cannot be used: exit status 2."""

    status = 2


class BadFile(BadInput):
    """A file with at least one error; carries every problem of it, warnings too, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    @classmethod
    def single(cls, file: str, message: str, hint: str = "") -> Self:
        """The file as a whole cannot be used."""
        return cls((Problem(position=Position(file), message=message, hint=hint),))
