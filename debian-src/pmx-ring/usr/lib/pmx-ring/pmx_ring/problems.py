"""What can go wrong that an administrator can act on; everything else that is raised is a bug."""


class RingError(Exception):
    """Something to act on: `message` and `hint` are lower case, without a final period."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message
