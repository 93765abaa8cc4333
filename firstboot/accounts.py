"""The user databases below /etc, read only: passwd(5), shadow(5), group(5)."""

from dataclasses import dataclass

from firstboot.system import System

_PASSWD_FIELDS = 7
_GROUP_FIELDS = 4


@dataclass(frozen=True, slots=True)
class Account:
    """A line of /etc/passwd."""

    name: str
    uid: int
    gid: int
    home: str


def account(system: System, name: str) -> Account | None:
    """The account of that name."""
    for fields in _lines(system, "/etc/passwd"):
        if fields[0] == name and len(fields) == _PASSWD_FIELDS:
            return Account(name, int(fields[2]), int(fields[3]), fields[5])
    return None


def has_password(system: System, name: str) -> bool:
    """Whether the account was ever given a password; one that is locked counts."""
    return any(
        fields[0] == name and len(fields) > 1 and fields[1].strip("!*")
        for fields in _lines(system, "/etc/shadow")
    )


def is_in_group(system: System, name: str, group: str) -> bool:
    """Whether the group lists the account, in gshadow(5) as well: usermod writes that one later."""
    members = [*_members(system, "/etc/group", group), *_members(system, "/etc/gshadow", group)]
    return bool(members) and all(name in some for some in members)


def is_whole(system: System, made: Account) -> bool:
    """Whether shadow, group and gshadow have what useradd writes after /etc/passwd, one after the other."""
    groups = [fields[0] for fields in _lines(system, "/etc/group") if fields[2:3] == [str(made.gid)]]
    shadow = {fields[0] for fields in _lines(system, "/etc/shadow")}
    gshadow = {fields[0] for fields in _lines(system, "/etc/gshadow")}
    return made.name in shadow and bool(groups) and (not gshadow or not gshadow.isdisjoint(groups))


def _members(system: System, path: str, group: str) -> list[list[str]]:
    return [
        fields[3].split(",")
        for fields in _lines(system, path)
        if fields[0] == group and len(fields) == _GROUP_FIELDS
    ]


def _lines(system: System, path: str) -> list[list[str]]:
    return [line.split(":") for line in system.text(path).splitlines()]
