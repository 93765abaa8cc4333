"""OpenSSH public keys, as lines of an authorized_keys, checked as far as their form goes."""

import base64
import re

from pmx_cluster_tb.model.kinds import Text
from pmx_cluster_tb.model.report import Refusal, listed
from pmx_cluster_tb.model.texts import did_you_mean

_NISTP = ("nistp256", "nistp384", "nistp521")
_KEY_FIELDS = {
    "ssh-ed25519": 1,
    "ssh-rsa": 2,
    **{f"ecdsa-sha2-{curve}": 2 for curve in _NISTP},
    "sk-ssh-ed25519@openssh.com": 2,
    "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}
"""How many fields follow the type in the key itself (RFC 4253, 5656, 8709; PROTOCOL.u2f of OpenSSH)."""

_SMALLEST_RSA_BITS = 1024
"""sshd's default RequiredRSASize."""


_CERTIFICATES = tuple(f"{name.removesuffix('@openssh.com')}-cert-v01@openssh.com" for name in _KEY_FIELDS)
"""PROTOCOL.certkeys and PROTOCOL.u2f of OpenSSH."""

_FLAGS = (
    *(f"{no}{name}" for no in ("", "no-") for name in (
        "agent-forwarding", "port-forwarding", "pty", "user-rc", "X11-forwarding", "touch-required",
    )),
    "cert-authority", "restrict", "verify-required",
)  # fmt: skip
_SETTINGS = (
    "command", "environment", "expiry-time", "from", "permitlisten", "permitopen", "principals", "tunnel",
)  # fmt: skip
"""sshd(8), AUTHORIZED_KEYS FILE FORMAT. A line with an option that sshd does not know lets nobody in."""

_VALUE = r'"(?:[^"\\]|\\+[^\\])*"'
"""A quote after a backslash does not end it (`sshkey_advance_past_options` of OpenSSH)."""

_OPTION = rf"[A-Za-z0-9-]+(?:={_VALUE})?"
_OPTIONS = rf"{_OPTION}(?:,{_OPTION})*"


def parse_ssh_key(text: str) -> str:
    """The line `text` of an authorized_keys: an OpenSSH public key, perhaps with options and a comment."""
    key = text
    if text.partition(" ")[0] not in (*_KEY_FIELDS, *_CERTIFICATES):
        key = _without_options(text)
    algorithm, _, rest = key.partition(" ")
    blob = _decoded(rest.lstrip(" ").partition(" ")[0])
    if algorithm in _CERTIFICATES:
        whole = len(blob) > _SHORTEST_CERTIFICATE
        parts = [blob[4 : 4 + len(algorithm)]]
    else:
        parts = _fields(blob)
        whole = len(parts) == 1 + _KEY_FIELDS[algorithm] and _sizes_are_right(algorithm, parts[1:])
    if parts[:1] != [algorithm.encode()]:
        raise Refusal(f"says `{algorithm}`, but the key itself is of another type")
    if not whole:
        raise _cut_off("the key has not the parts that its type has")
    if "$$" in text:
        raise Refusal("must not hold `$$`, which Ventoy expands in answer files")
    return text


def is_certificate(key: str) -> bool:
    """Whether the line `key`, which has been parsed, holds a certificate in place of a key."""
    return any(f"{name} " in key for name in _CERTIFICATES)


def _without_options(text: str) -> str:
    """What follows the options that `text` begins with."""
    found = re.match(rf"({_OPTIONS}) +(?=(\S+) )", text)
    if not found or found[2] not in (*_KEY_FIELDS, *_CERTIFICATES):
        first, _, rest = text.partition(" ")
        raise _unknown_algorithm(first, rest)
    for option in re.findall(_OPTION, found[1]):
        _check_option(option)
    return text[found.end() :]


def _check_option(option: str) -> None:
    name, _, value = option.partition("=")
    known = {word.lower(): word for word in (_SETTINGS if value else _FLAGS)}
    if name.lower() not in known:
        what = "with a value" if value else "without a value"
        raise Refusal(
            f"has the option `{name}` {what}, which sshd does not know", did_you_mean(name, known.values())
        )


_SHORTEST_CERTIFICATE = 200
"""Bytes: two keys, a signature and a dozen fields are in it."""


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:
        raise _cut_off("what follows the type must be the base64 of a key") from None


def _cut_off(what: str) -> Refusal:
    return Refusal(f"is not whole: {what}")


def _unknown_algorithm(algorithm: str, rest: str) -> Refusal:
    if algorithm == "ssh-dss":
        return Refusal("is a DSA key, which OpenSSH refuses", "`ssh-keygen -t ed25519` makes a key")
    if algorithm.startswith(("ssh-", "ecdsa-", "sk-")):
        return Refusal(f"must be a key of the type {listed(_KEY_FIELDS, 'or')}")
    if any(f" {known} " in f" {rest}" for known in _KEY_FIELDS):
        return Refusal(
            'must begin with the type of the key or with options as `from="192.168.178.0/24",no-pty`: sshd(8)'
        )
    if algorithm.endswith(".pub") or algorithm.startswith(("~", "/")):
        return Refusal("must be the key itself, not the file that holds it")
    return Refusal(
        "must be an OpenSSH public key such as `ssh-ed25519 AAAA... me@desk`",
        "a line of `~/.ssh/id_ed25519.pub`",
    )


def _fields(blob: bytes) -> list[bytes]:
    """The strings of `blob`, each behind its length in four bytes."""
    fields = []
    while blob:
        size = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + size:
            raise _cut_off("what follows the type must be the base64 of a key")
        fields.append(blob[4 : 4 + size])
        blob = blob[4 + size :]
    return fields


def _sizes_are_right(algorithm: str, parts: list[bytes]) -> bool:
    if "ed25519" in algorithm:
        return len(parts[0]) == 32
    if algorithm == "ssh-rsa":
        return int.from_bytes(parts[1], "big").bit_length() >= _SMALLEST_RSA_BITS
    return parts[0].decode("ascii", "replace") in algorithm and parts[1][:1] == b"\x04"


_TYPES = "|".join(re.escape(name).replace(r"\-", "-") for name in (*_KEY_FIELDS, *_CERTIFICATES))
_JSON_PATTERN = rf"^(?:{_OPTIONS} +)?(?:{_TYPES}) +[A-Za-z0-9+/]+={{0,2}}(?: .*)?$"

SSH_KEY = Text(parse_ssh_key, "an OpenSSH public key", {"pattern": _JSON_PATTERN}, secret=True)
