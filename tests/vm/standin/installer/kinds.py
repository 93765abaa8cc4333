"""What values of an answer must be like, by kind. Each check raises Refused with the path of the key."""

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import Any

from .problem import Refused

Kind = Callable[[str, Any], None]

_HERE = Path(__file__).parent
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_FQDN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
# what <input type=email> accepts
_MAIL = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*")
_U32 = 2**32


def text(path: str, value: Any) -> None:
    """Any string."""
    if not isinstance(value, str):
        raise Refused(f"{path}: invalid type, expected a string")


def flag(path: str, value: Any) -> None:
    """A boolean."""
    if not isinstance(value, bool):
        raise Refused(f"{path}: invalid type, expected a boolean")


def count(path: str, value: Any) -> None:
    """A whole number of 32 bits without sign."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _U32:
        raise Refused(f"{path}: invalid type or value, expected u32")


def number(path: str, value: Any) -> None:
    """A whole number or a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"{path}: invalid type, expected a number")


def texts(path: str, value: Any) -> None:
    """An array of strings."""
    if not isinstance(value, list):
        raise Refused(f"{path}: invalid type, expected a sequence")
    for one in value:
        text(path, one)


def filters(path: str, value: Any) -> None:
    """A table of strings, whatever the keys."""
    if not isinstance(value, dict):
        raise Refused(f"{path}: invalid type, expected a map")
    for key, one in value.items():
        text(f"{path}.{key}", one)


def one_of(*words: str) -> Kind:
    """One of a few words."""

    def check(path: str, value: Any) -> None:
        if value not in words:
            raise Refused(f"{path}: unknown variant {value!r}, expected one of {', '.join(words)}")

    return check


def listed(file: str) -> Kind:
    """A line of a file beside this one."""
    return one_of(*(line for line in (_HERE / file).read_text().splitlines() if line[0] != "#"))


def address(path: str, value: Any) -> None:
    """An IP address."""
    text(path, value)
    try:
        ip_address(value)
    except ValueError as error:
        raise Refused(f"{path}: invalid IP address syntax") from error


def network(*, needs_prefix: bool) -> Kind:
    """An IP address with the length of its prefix, which some versions take for granted."""

    def check(path: str, value: Any) -> None:
        text(path, value)
        plain, slash, length = value.partition("/")
        if (slash and not re.fullmatch(r"\d{1,3}", length)) or (needs_prefix and not slash):
            raise Refused(f"{path}: invalid CIDR {value!r}")
        try:
            ip_interface(value)
        except ValueError as error:
            raise Refused(f"{path}: invalid CIDR {value!r}") from error
        address(path, plain)

    return check


def fqdn(path: str, value: Any) -> None:
    """A name with a domain."""
    text(path, value)
    if not _FQDN.fullmatch(value) or len(value) > 253 or value.partition(".")[0].isdigit():
        raise Refused(f"{path}: invalid FQDN {value!r}")


def mail(path: str, value: Any) -> None:
    """A mail address, but not the one that the installer's own form starts with."""
    text(path, value)
    if not _MAIL.fullmatch(value) or value == "mail@example.invalid":
        raise Refused(f"{path}: invalid email address {value!r}")
