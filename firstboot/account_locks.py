"""Locks that a power cut left on the user databases.

The tools of shadow-utils lock /etc/passwd and the others with a file that holds their process number, and
take it for stale only if no process has that number. After a boot another one often has it: then no tool
works, and no package that adds a user can be configured.
"""

from pathlib import Path

from firstboot.system import System

_DATABASES = ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")

_TOOLS = (
    "chage chfn chgpasswd chpasswd chsh gpasswd groupadd groupdel groupmems groupmod grpck grpconv grpunconv "
    "newusers passwd pwck pwconv pwunconv useradd userdel usermod vigr vipw"
)
"""The programs of the packages passwd and login that take these locks, as the kernel names them."""


def remove_stale_locks(system: System) -> None:
    """Removes the locks that no such tool holds; those of one that runs stay."""
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
