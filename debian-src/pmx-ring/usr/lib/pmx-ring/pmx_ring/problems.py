"""What can go wrong that an administrator can act on; everything else that is raised is a bug."""

import errno

_DISK = {errno.EDQUOT, errno.EIO, errno.ENOSPC, errno.EROFS}


class RingError(Exception):
    """Something to act on: `message` and `hint` are lower case, without a final period."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


def disk_problem(error: OSError) -> RingError:
    """The problem that a full, read-only or broken disk is; raises `error` again if it is anything else."""
    if error.errno not in _DISK:
        raise error
    return RingError(str(error), "`df -h / /var` and `findmnt /` show the disk; then `pmx-ring apply`")
