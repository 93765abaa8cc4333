"""What ends an installation."""


class Refused(Exception):
    """The answer, the medium or the machine does not permit an installation; nothing was written."""
