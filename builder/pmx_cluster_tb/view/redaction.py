"""Taking secrets out of what is shown."""

import re
from collections.abc import Mapping

HIDDEN = "(hidden)"
"""What stands where a secret was."""

HIDDEN_AND_NEW = "(hidden, and not the one before)"
"""What stands where a secret is that was not there before."""

_SECRET_KEYS = frozenset(
    {"root-password", "root-password-hashed", "password", "password-hash", "subscription-key", "auth-token"}
)
"""Ours, and those of answers that others wrote."""

_NAMES = "|".join(sorted(_SECRET_KEYS)).replace("-", "[-_]")

_NULL = "null"
"""JSON's word for a secret that is not there; TOML takes no such word."""

_SECRET = re.compile(
    # a key, in TOML or JSON, with its value in quotes of any kind or bare
    rf"""(?<![\w-])(?P<key>["']?(?:{_NAMES})["']?[ \t]*[=:][ \t]*)"""
    r"""(?P<value>"{3}.*?"{3,5}|'{3}.*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s"',{}\[\]#]+)"""
    # crypt(5): `$<id>$` and at least a salt or parameters and a digest
    r"""|(?P<hash>\$(?:[0-9][a-z]?|y|gy|md5|sha1|argon2\w*)\$[^\s"'\\]+)""",
    re.DOTALL,
)


def redacted_text(text: str) -> str:
    """`text` without values of secret keys, nor anything that has the form of a crypt(3) hash."""
    return _SECRET.sub(lambda match: _in_place(match, HIDDEN), text)


def redacted_successor(before: str, after: str) -> str:
    """`after` without secrets, with those marked that `before` did not have."""
    known = {_secret(match) for match in _SECRET.finditer(before)}
    return _SECRET.sub(
        lambda match: _in_place(match, HIDDEN if _secret(match) in known else HIDDEN_AND_NEW), after
    )


def _secret(match: re.Match[str]) -> str:
    return match["hash"] or match["value"]


def _in_place(match: re.Match[str], instead: str) -> str:
    if match["value"] == _NULL:
        return match[0]
    return instead if match["hash"] else f'{match["key"]}"{instead}"'


def redacted(value: object, key: str = "") -> object:
    """A TOML or JSON value without its secrets, which their keys or their form betray."""
    if key.replace("_", "-") in _SECRET_KEYS and value is not None:
        return HIDDEN
    if isinstance(value, Mapping):
        return {name: redacted(item, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return redacted_text(value) if isinstance(value, str) else value
