"""Password hashes, checked as far as their form goes."""

import re

from pmx_cluster_tb.model.cluster import PasswordHash
from pmx_cluster_tb.model.kinds import Text
from pmx_cluster_tb.model.report import Refusal, listed

HASH_HINT = "`pmx-cluster-tb hash-password` makes a hash"

_ITOA64 = "[./0-9A-Za-z]"
_YESCRYPT = rf"{_ITOA64}{{1,16}}\${_ITOA64}{{1,86}}\${_ITOA64}{{43}}"
_BCRYPT = rf"(?:0[4-9]|[12][0-9]|3[01])\${_ITOA64}{{53}}"
_HASH_FORMS = {
    "$y$": rf"\$y\${_YESCRYPT}",
    "$gy$": rf"\$gy\${_YESCRYPT}",
    "$7$": rf"\$7\${_ITOA64}{{12,97}}\${_ITOA64}{{43}}",
    "$6$": rf"\$6\$(?:rounds=[1-9][0-9]{{3,8}}\$)?{_ITOA64}{{1,16}}\${_ITOA64}{{86}}",
    "$5$": rf"\$5\$(?:rounds=[1-9][0-9]{{3,8}}\$)?{_ITOA64}{{1,16}}\${_ITOA64}{{43}}",
    "$2b$": rf"\$2b\${_BCRYPT}",
    "$2y$": rf"\$2y\${_BCRYPT}",
    "$2a$": rf"\$2a\${_BCRYPT}",
}
"""crypt(5) of libxcrypt 4.4, as Debian 12 and 13 have it, without what it calls weak.

A salt is never empty here: `$$` in an answer file would be expanded by Ventoy."""


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
