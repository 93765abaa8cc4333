"""Names of clusters, domains, nodes, users and packages, and the words that the installer knows."""

import re

from pmx_cluster_tb.model.kinds import Text
from pmx_cluster_tb.model.report import Refusal, shown
from pmx_cluster_tb.model.texts import known_word, matching
from pmx_cluster_tb.model.words import words

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"

CLUSTER_NAME = matching(
    r"[A-Za-z](?:[A-Za-z0-9-]{0,13}[A-Za-z0-9])?",
    "a name for the cluster",
    "must be a letter, then letters, digits and hyphens, at most 15 in all, with no hyphen at the end",
)

COUNTRY = known_word(
    words("countries"),
    "a country such as `nl`",
    "is not a country code that the installer knows (ISO 3166, two lower-case letters)",
    {"uk": "gb", "UK": "gb", "en": "gb", "el": "gr"},
)

_KEYBOARDS = words("keyboards")

KEYBOARD = known_word(
    _KEYBOARDS,
    "a keyboard layout such as `en-us`",
    f"is not a keyboard layout of the installer: {' '.join(_KEYBOARDS)}",
    {"us": "en-us", "en": "en-us", "gb": "en-gb", "uk": "en-gb", "be": "fr-be", "br": "pt-br", "ch": "de-ch"},
)


def _domain(text: str) -> str:
    if text.endswith(".") or text.startswith("."):
        raise Refusal("must not begin or end with a dot", shown(text.strip(".")))
    if text != text.lower():
        raise Refusal("must be lower case", shown(text.lower()))
    for label in text.split("."):
        if not re.fullmatch(_LABEL, label):
            raise Refusal(
                "must be labels joined by dots, each of letters, digits and inner hyphens, 1 to 63 long"
            )
    return text


DOMAIN = Text(_domain, "a domain such as `home.arpa`", {"pattern": rf"^{_LABEL}(?:\.{_LABEL})*$"})

_HOSTS_FILE_NAMES = ("localhost", "ip6-localhost", "ip6-loopback", "ip6-allnodes", "ip6-allrouters")
"""What /etc/hosts of Debian and of the installer gives to other addresses."""


def _node_name(text: str) -> str:
    if "." in text:
        raise Refusal("must be a single label: the domain is `cluster.domain`", shown(text.partition(".")[0]))
    if text != text.lower():
        raise Refusal("must be lower case", shown(text.lower().replace("_", "-")))
    if not re.fullmatch(_LABEL, text):
        raise Refusal("must be letters, digits and inner hyphens, 1 to 63 of them")
    if text.isdigit():
        raise Refusal("must not be digits alone", f"`pve{text}`")
    if text in _HOSTS_FILE_NAMES:
        raise Refusal("means another address in every /etc/hosts")
    return text


NODE_NAME = Text(
    _node_name, "a name for the node", {"pattern": f"^{_LABEL}$", "not": {"pattern": r"^[0-9]+$"}}
)

_MAILBOX = (
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+"
    r"@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)
"""What HTML's <input type=email> takes, which is the installer's rule."""

_REFUSED_BY_THE_INSTALLER = "mail@example.invalid"
_LONGEST_MAILBOX = 254


def _mailbox(text: str) -> str:
    if not re.fullmatch(_MAILBOX, text) or len(text) > _LONGEST_MAILBOX:
        raise Refusal("must be a mail address such as `admin@example.org`")
    if text == _REFUSED_BY_THE_INSTALLER:
        raise Refusal("is refused by the installer, whose placeholder it is")
    if "$$" in text:
        raise Refusal("must not hold `$$`, which Ventoy expands in answer files")
    return text


MAILBOX = Text(_mailbox, "a mail address such as `admin@example.org`", {"pattern": f"^{_MAILBOX}$"})

_TAKEN_USER_NAMES = frozenset(words("taken-user-names"))


def _user_name(text: str) -> str:
    if text == "root":
        raise Refusal("is there already, with `access.root-password-hash` and `access.root-ssh-keys`")
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", text):
        raise Refusal(
            "must be a lower-case letter, then such letters, digits, `_` and `-`, at most 32 in all"
        )
    if text in _TAKEN_USER_NAMES or text.startswith("systemd-"):
        raise Refusal("is a user or group of the system itself", "choose another name, as your own")
    return text


USER_NAME = Text(_user_name, "a user name", {"pattern": "^[a-z][a-z0-9_-]{0,31}$"})


def _full_name(text: str) -> str:
    if not re.fullmatch(r"[^:,]{0,200}", text):
        raise Refusal("must hold no `:` and no `,`, and at most 200 characters")
    return text


FULL_NAME = Text(_full_name, "a full name", {"pattern": "^[^:,]{0,200}$"}, may_be_empty=True)

_NETWORK_MANAGERS = {"ifupdown", "ifupdown-ng", "netplan.io", "network-manager", "connman", "wicd"}


def _package_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", text):
        raise Refusal("must be the name of a Debian package: lower-case letters, digits, `+`, `-` and `.`")
    if text.endswith("-"):
        raise Refusal("would tell apt to remove a package", shown(text.rstrip("-")))
    if text in _NETWORK_MANAGERS:
        raise Refusal("would take the network away from ifupdown2, which Proxmox VE and the ring rely on")
    return text


PACKAGE_NAME = Text(_package_name, "the name of a Debian package", {"pattern": "^[a-z0-9][a-z0-9+.-]+$"})


def _file_name(text: str) -> str:
    if re.match(r"\$[0-9a-z]{1,2}\$", text):
        raise Refusal("is a hash; the name of a file must stand here")
    return text


FILE_NAME = Text(_file_name, "the name of a file", {"not": {"pattern": r"^\$[0-9a-z]{1,2}\$"}})
