"""The user databases below /etc: passwd(5), shadow(5), group(5), and locks that a power cut left on them.

The tools of shadow-utils lock /etc/passwd and the others with a file that holds their process number, and
take it for stale only if no process has that number. After a boot another one often has it: then no tool
works, and no package that adds a user can be configured.
"""

from dataclasses import dataclass
from pathlib import Path

from firstboot.system import System

_PASSWD_FIELDS = 7
_GROUP_FIELDS = 4

_DATABASES = ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")

_TOOLS = (
    "chage chfn chgpasswd chpasswd chsh gpasswd groupadd groupdel groupmems groupmod grpck grpconv grpunconv "
    "newusers passwd pwck pwconv pwunconv useradd userdel usermod vigr vipw"
)
"""The programs of the packages passwd and login that take these locks, as the kernel names them."""


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


def remove_stale_locks(system: System) -> None:
    """Removes the locks that no tool of shadow-utils holds; those of one that runs stay."""
    for database in _DATABASES:
        for file in sorted(system.path("/etc").glob(f"{database}.*")):
            suffix = file.name.removeprefix(f"{database}.")
            content = _text(file)
            process = content.strip("\0\n ") if suffix == "lock" else suffix
            # a tool first writes `passwd.<number>`, then links it to `passwd.lock`; with entries it is a copy
            # that somebody made
            is_lock = (suffix == "lock" or suffix.isdigit()) and ":" not in content
            if is_lock and not _is_tool(process):
                _remove(system, file)


def _members(system: System, path: str, group: str) -> list[list[str]]:
    return [
        fields[3].split(",")
        for fields in _lines(system, path)
        if fields[0] == group and len(fields) == _GROUP_FIELDS
    ]


def _lines(system: System, path: str) -> list[list[str]]:
    return [line.split(":") for line in system.text(path).splitlines()]


def _remove(system: System, file: Path) -> None:
    system.say(
        f"{'would remove' if system.dry_run else 'removing'} /etc/{file.name}, left by a killed program"
    )
    if not system.dry_run:
        file.unlink(missing_ok=True)


def _is_tool(process: str) -> bool:
    return process.isdigit() and _text(Path(f"/proc/{process}/comm")).strip() in _TOOLS.split()


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return ""
