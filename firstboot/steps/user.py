"""The step that makes the second user: an account with sudo, password and keys, known to Proxmox VE."""

import json
import os
import shutil
from pathlib import Path

from firstboot.accounts import Account, account, has_password, is_in_group, is_whole, remove_stale_locks
from firstboot.apt import install, installed_versions
from firstboot.changes import write_file
from firstboot.commands import output_of, run
from firstboot.settings import Settings, User
from firstboot.step import Step, StepFailed
from firstboot.system import System

_SUDO = "sudo"
_FIRST_UID = 1000
"""The lowest that useradd gives to people (login.defs(5), UID_MIN)."""
_SKELETON = "/etc/skel"
_PVEUM = "/usr/bin/pveum"
_CLUSTER_FILES = "/etc/pve/.version"
_REMEDY = "the lines above say more; then reboot: every boot tries again"


def user_step(settings: Settings) -> Step:
    """Makes `settings.user`, if there is to be one."""
    user = settings.user
    return Step(
        name="user",
        is_done=lambda system: user is None or _is_made(system, user),
        do=lambda system: None if user is None else _make(system, user),
        deadline=settings.deadlines["user"],
    )


def _is_made(system: System, user: User) -> bool:
    made = account(system, user.name)
    return (
        made is not None
        and is_in_group(system, user.name, _SUDO)
        and (user.password_hash is None or has_password(system, user.name))
        and system.path(made.home).is_dir()
        and not _missing_keys(system, made, user)
        and bool(installed_versions(system, [_SUDO]))
        and (not _has_realm(system) or _is_in_realm(system, user))
    )


def _make(system: System, user: User) -> None:
    remove_stale_locks(system)
    if not installed_versions(system, [_SUDO]):
        install(system, _SUDO)
    _remove_half_an_account(system, user)
    if account(system, user.name) is None:
        _add_account(system, user)
    if not is_in_group(system, user.name, _SUDO):
        run(system, ["usermod", "--append", "--groups", _SUDO, user.name], _REMEDY)
    # one that the user has changed since stays
    if user.password_hash and not has_password(system, user.name):
        secret = f"{user.name}:{user.password_hash}\n"
        run(system, ["chpasswd", "--encrypted"], _REMEDY, stdin=secret)
    made = account(system, user.name)
    if made is not None:
        _fill_home(system, made)
        _add_keys(system, made, user)
    elif not system.dry_run:
        raise StepFailed(f"`useradd` made no account `{user.name}`", "`useradd` by hand says more")
    _add_to_realm(system, user)


def _remove_half_an_account(system: System, user: User) -> None:
    """One that a power cut left, of which nothing but entries in some of the files is there."""
    half = account(system, user.name)
    if half is None or half.uid < _FIRST_UID or is_whole(system, half):
        return
    if not system.path(half.home).exists():
        run(system, ["userdel", user.name], _REMEDY)


def _add_account(system: System, user: User) -> None:
    command = ["useradd", "--no-create-home", "--user-group", "--shell", "/bin/bash"]
    run(system, [*command, "--comment", user.full_name, user.name], _REMEDY)


def _fill_home(system: System, made: Account) -> None:
    """Makes the home folder as useradd does, but so that it can be done again after a power cut."""
    home = system.path(made.home)
    if home.is_dir():
        return
    if system.dry_run:
        system.say(f"would make {made.home}")
        return
    # the name comes last: a home that is there is whole
    new = home.with_name(f".{home.name}.pmx-first-boot~")
    shutil.rmtree(new, ignore_errors=True)
    skeleton = system.path(_SKELETON)
    if skeleton.is_dir():
        shutil.copytree(skeleton, new, symlinks=True)
    else:
        new.mkdir(parents=True)
    for path in (new, *new.rglob("*")):
        _give(path, made)
    new.chmod(0o700)
    os.sync()
    new.rename(home)


def _add_keys(system: System, made: Account, user: User) -> None:
    missing = _missing_keys(system, made, user)
    if not missing:
        return
    folder = system.path(_ssh_folder(made))
    if not folder.is_dir() and not system.dry_run:
        folder.mkdir(mode=0o700)
        _give(folder, made)
    old = system.text(_keys_file(made))
    if old and not old.endswith("\n"):
        old += "\n"
    text = old + "".join(f"{key}\n" for key in missing)
    content = text.encode("utf-8", "surrogateescape")
    write_file(system, _keys_file(made), content, mode=0o600, owner=(made.uid, made.gid))


def _missing_keys(system: System, made: Account, user: User) -> list[str]:
    present = set(system.text(_keys_file(made)).splitlines())
    return [key for key in user.ssh_keys if key not in present]


def _ssh_folder(made: Account) -> str:
    return f"{made.home}/.ssh"


def _keys_file(made: Account) -> str:
    return f"{_ssh_folder(made)}/authorized_keys"


def _give(path: Path, made: Account) -> None:
    if (made.uid, made.gid) != (os.geteuid(), os.getegid()):
        os.chown(path, made.uid, made.gid, follow_symlinks=False)


def _has_realm(system: System) -> bool:
    """Whether this is Proxmox VE, whose users live in the cluster's own file system."""
    return system.live and system.path(_PVEUM).exists()


def _is_in_realm(system: System, user: User) -> bool:
    try:
        listed = json.loads(output_of(system, ["pveum", "user", "list", "--output-format", "json"]))
    except ValueError as error:
        raise StepFailed(
            "`pveum user list` printed no list", "`pveum user list` by hand says more"
        ) from error
    return any(one.get("userid") == _userid(user) for one in listed)


def _add_to_realm(system: System, user: User) -> None:
    if not _has_realm(system):
        return
    if not system.path(_CLUSTER_FILES).exists():
        raise StepFailed("/etc/pve is not mounted", "`systemctl status pve-cluster` says why")
    if not _is_in_realm(system, user):
        comment = ["--comment", user.full_name] if user.full_name else []
        run(system, ["pveum", "user", "add", _userid(user), *comment], _REMEDY)


def _userid(user: User) -> str:
    # realm pam: the account's own password
    return f"{user.name}@pam"
