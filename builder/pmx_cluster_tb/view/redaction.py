"""Taking secrets out of what is shown."""

import re
from collections.abc import Mapping

HIDDEN = "(hidden)"
"""What stands where a secret was."""

# crypt(5): `$<id>$` and at least a salt or parameters and a digest
_CRYPT_HASH = re.compile(r"\$(?:[0-9][a-z]?|y|gy|md5|sha1|argon2\w*)\$[^\s\"'\\]+")

_SECRET_KEYS = frozenset({"root-password", "root-password-hashed", "password", "password-hash"})


HIDDEN_AND_NEW = "(hidden, and another one)"
"""What stands where a secret took the place of another."""


def redacted_text(text: str) -> str:
    """`text` without anything that has the form of a crypt(3) hash."""
    return _CRYPT_HASH.sub(HIDDEN, text)


def redacted_successor(before: str, after: str) -> str:
    """`after` without hashes, with those marked that `before` did not have."""
    known = set(_CRYPT_HASH.findall(before))
    return _CRYPT_HASH.sub(lambda match: HIDDEN if match[0] in known else HIDDEN_AND_NEW, after)


def redacted(value: object, key: str = "") -> object:
    """A TOML or JSON value without its secrets, which their keys or their form betray."""
    if key.replace("_", "-") in _SECRET_KEYS:
        return HIDDEN
    if isinstance(value, Mapping):
        return {name: redacted(item, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return redacted_text(value) if isinstance(value, str) else value
