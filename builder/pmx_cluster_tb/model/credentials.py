"""Password hashes and SSH keys, checked as far as their form goes."""

import base64
import binascii
import re
from collections.abc import Iterator

from pmx_cluster_tb.model.cluster import PasswordHash
from pmx_cluster_tb.model.kinds import Text
from pmx_cluster_tb.model.report import Refusal, listed

HASH_HINT = "`pmx-cluster-tb hash-password` makes a hash"

_ITOA64 = "[./0-9A-Za-z]"
_HASH_FORMS = {
    "$y$": rf"\$y\${_ITOA64}{{1,16}}\${_ITOA64}{{1,86}}\${_ITOA64}{{43}}",
    "$6$": rf"\$6\$(?:rounds=[1-9][0-9]{{3,8}}\$)?{_ITOA64}{{1,16}}\${_ITOA64}{{86}}",
    "$5$": rf"\$5\$(?:rounds=[1-9][0-9]{{3,8}}\$)?{_ITOA64}{{1,16}}\${_ITOA64}{{43}}",
    "$2b$": rf"\$2b\$(?:0[4-9]|[12][0-9]|3[01])\${_ITOA64}{{53}}",
}
"""crypt(5) of libxcrypt. A salt is never empty here: `$$` in an answer file would be expanded by Ventoy."""


def parse_hash(text: str) -> PasswordHash:
    """The crypt(3) hash `text`; no Refusal ever shows it."""
    method = next((method for method in _HASH_FORMS if text.startswith(method)), None)
    if method and re.fullmatch(_HASH_FORMS[method], text):
        return PasswordHash(text)
    if method:
        raise Refusal(f"is no whole `{method}` hash: characters are missing, too many or wrong", HASH_HINT)
    if text.startswith(("!", "*")):
        raise Refusal("locks the account: it must be a crypt(3) hash", HASH_HINT)
    kinds = listed(_HASH_FORMS, "or")
    if text.startswith("$"):
        raise Refusal(f"must be a crypt(3) hash that begins with {kinds}", HASH_HINT)
    raise Refusal(f"must be a crypt(3) hash ({kinds}), never the password itself", HASH_HINT)


HASH = Text(
    parse_hash,
    "a crypt(3) hash (`pmx-cluster-tb hash-password` makes one)",
    {"pattern": "^(?:" + "|".join(_HASH_FORMS.values()) + ")$"},
    secret=True,
)

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


def parse_ssh_key(text: str) -> str:
    """The OpenSSH public key `text`, with or without a comment."""
    algorithm, _, rest = text.partition(" ")
    if algorithm not in _KEY_FIELDS:
        raise _unknown_algorithm(algorithm, rest)
    encoded = rest.lstrip(" ").partition(" ")[0]
    try:
        blob = base64.b64decode(encoded, validate=True)
        inner, *parts = _fields(blob)
    except (binascii.Error, ValueError):
        raise Refusal("is not whole: what follows the type must be the base64 of a key") from None
    if inner != algorithm.encode():
        raise Refusal(f"says `{algorithm}`, but the key itself is of another type")
    if len(parts) != _KEY_FIELDS[algorithm] or not _sizes_are_right(algorithm, parts):
        raise Refusal("is not whole: the key has not the parts that its type has")
    if "$$" in text:
        raise Refusal("must not hold `$$`, which Ventoy expands in answer files")
    return text


def _unknown_algorithm(algorithm: str, rest: str) -> Refusal:
    if algorithm == "ssh-dss":
        return Refusal("is a DSA key, which OpenSSH refuses", "`ssh-keygen -t ed25519` makes a key")
    if algorithm.startswith(("ssh-", "ecdsa-", "sk-")):
        return Refusal(f"must be a key of the type {listed(_KEY_FIELDS, 'or')}")
    if any(f" {known} " in f" {rest}" for known in _KEY_FIELDS):
        return Refusal("must begin with the type of the key: options before it are not supported")
    if algorithm.endswith(".pub") or algorithm.startswith(("~", "/")):
        return Refusal("must be the key itself, not the file that holds it")
    return Refusal(
        "must be an OpenSSH public key such as `ssh-ed25519 AAAA... me@desk`",
        "a line of `~/.ssh/id_ed25519.pub`",
    )


def _fields(blob: bytes) -> Iterator[bytes]:
    """The strings of `blob`, each behind its length in four bytes."""
    while blob:
        size = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + size:
            raise ValueError("the blob is cut off")
        yield blob[4 : 4 + size]
        blob = blob[4 + size :]


def _sizes_are_right(algorithm: str, parts: list[bytes]) -> bool:
    if "ed25519" in algorithm:
        return len(parts[0]) == 32
    if algorithm == "ssh-rsa":
        return int.from_bytes(parts[1], "big").bit_length() >= _SMALLEST_RSA_BITS
    return parts[0].decode("ascii", "replace") in algorithm and parts[1][:1] == b"\x04"


_PUBLIC_KEY_PATTERN = (
    "^(?:" + "|".join(re.escape(name) for name in _KEY_FIELDS) + r") +[A-Za-z0-9+/]+={0,2}(?: .*)?$"
)

SSH_KEY = Text(
    parse_ssh_key, "an OpenSSH public key", {"pattern": _PUBLIC_KEY_PATTERN.replace(r"\-", "-")}, secret=True
)
