"""Runs of apt-get that ask nothing, keep the administrator's files, and mend what an earlier run left."""

import re
from collections.abc import Sequence
from contextlib import suppress

from firstboot.accounts import remove_stale_locks
from firstboot.commands import output_of, run
from firstboot.locks import wait_for_locks
from firstboot.step import StepFailed
from firstboot.system import System

_LOCK_TIMEOUT_S = 600
_DPKG_OPTIONS = ("--force-confdef", "--force-confold")
_REMEDY = "mend what it says, so that `{command}` succeeds, then reboot: every boot tries again"
_DPKG_JOURNAL = "/var/lib/dpkg/updates"
_LISTS = "/var/lib/apt/lists"
_INSTALLED = "installed"
_REINSTALL = "reinstreq"

# as apt 2.6 and 3.0 say it
# no waiting brings a key, or mends what is written in a source
_UNUSABLE_SOURCE = re.compile(
    r"NO_PUBKEY|Missing key|Failed to parse keyring|No good signature from required signer"
    r"|the public key is not available|The list of sources could not be read"
    r"|method driver \S+ could not be found"
)
_UNKNOWN = re.compile(r"E: (?:Unable to locate package|Package) '?([a-z0-9.+-]+)(?:' has no|$| /)")


class UnknownPackages(StepFailed):
    """No repository has packages of these names, by lists that were fetched right before."""

    def __init__(self, names: Sequence[str]) -> None:
        what = ", ".join(f"`{name}`" for name in names)
        super().__init__(
            f"no repository has {what}", f"`apt-cache search {names[0]}` finds the right name", hopeless=True
        )


def apt_get(system: System, *words: str) -> None:
    """Runs `apt-get` as soon as nobody else does; raises StepFailed."""
    wait_for_locks(system)
    options = [f"DPkg::Lock::Timeout={_LOCK_TIMEOUT_S}", "Acquire::Retries=3", "Dpkg::Use-Pty=0"]
    options += [f"Dpkg::Options::={option}" for option in _DPKG_OPTIONS]
    command = ["apt-get", "--yes", "--quiet", *(word for option in options for word in ("-o", option))]
    run(system, [*command, *words], _REMEDY.format(command=f"apt-get {' '.join(words)}"))


def update(system: System) -> None:
    """Fetches the lists of all repositories anew; raises StepFailed if one of them cannot be had.

    That is hopeless where a source itself is what is wrong.

    What a power cut left of a list would stay for ever: apt looks only whether the repository has changed
    since. With an empty one it then upgrades nothing, and calls that a success (measured with apt 2.6, 3.0).
    """
    wait_for_locks(system)
    if not system.dry_run:
        _remove_lists(system)
    # by itself apt takes what it has got of old ones for a success
    try:
        apt_get(system, "--error-on=any", "update")
    except StepFailed as error:
        error.hopeless = bool(_UNUSABLE_SOURCE.search(error.message))
        raise


def _remove_lists(system: System) -> None:
    for file in system.path(_LISTS).glob("*"):
        if file.name != "lock" and (file.is_symlink() or file.is_file()):
            file.unlink()


def install(system: System, *words: str) -> None:
    """Installs packages, by name or file, after mending what is broken; raises StepFailed.

    That is UnknownPackages where trying again in this boot changes nothing.
    """
    continue_dpkg(system)
    fix_broken(system)
    try:
        apt_get(system, "install", *words)
    except StepFailed:
        # the lists may be an earlier boot's, and name versions that are gone, or be gone themselves
        if not system.remaining or not _is_updated(system):
            raise
        _install_with_new_lists(system, *words)


def _install_with_new_lists(system: System, *words: str) -> None:
    try:
        apt_get(system, "install", *words)
    except StepFailed as error:
        if names := sorted(set(_UNKNOWN.findall(error.message))):
            raise UnknownPackages(names) from error
        raise


def _is_updated(system: System) -> bool:
    with suppress(StepFailed):
        update(system)
        return True
    return False


def continue_dpkg(system: System) -> None:
    """Ends what an interrupted dpkg began, as far as it can; raises StepFailed if another dpkg goes on."""
    wait_for_locks(system)
    remove_stale_locks(system)
    if is_clean(system):
        return
    try:
        # apt refuses to work before (apt-pkg's debSystem::CheckUpdates)
        remedy = _REMEDY.format(command="dpkg --configure -a")
        run(system, ["dpkg", *_DPKG_OPTIONS, "--configure", "-a"], remedy)
    except StepFailed as error:
        # a package may lack what it depends on, which only apt can bring
        system.say(error.message)


def fix_broken(system: System) -> None:
    """Installs what half installed packages lack; raises StepFailed.

    Where dpkg was killed right after it had unpacked a package's files, it wants them again. apt only tries
    to configure that one, in vain, unless told to reinstall it by name (measured with apt 2.6 and 3.0).
    """
    if not is_clean(system):
        again = sorted(broken_off(system))
        apt_get(system, *(["--reinstall"] if again else []), "--fix-broken", "install", *again)


def is_interrupted(system: System) -> bool:
    """Whether dpkg was killed in the middle."""
    journal = system.path(_DPKG_JOURNAL)
    return journal.is_dir() and any(entry.name.isdigit() for entry in journal.iterdir())


def is_clean(system: System) -> bool:
    """Whether no package is half installed."""
    return not is_interrupted(system) and not _audit(system)


def installed_versions(system: System, packages: Sequence[str]) -> dict[str, str]:
    """The versions of those `packages` that are wholly installed."""
    if not packages:
        return {}
    query = ["dpkg-query", "--show", "--showformat=${Package} ${Version} ${db:Status-Status}\\n"]
    # status 1: at least one is unknown
    lines = output_of(system, [*query, *packages], accepted=(0, 1)).splitlines()
    rows = (line.split(" ") for line in lines)
    return {row[0]: row[1] for row in rows if len(row) == 3 and row[2] == _INSTALLED}


def broken_off(system: System, packages: Sequence[str] = ()) -> set[str]:
    """Those of `packages`, or of all, that dpkg must unpack again before it does anything else."""
    query = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Eflag}\\n"]
    lines = output_of(system, [*query, *packages], accepted=(0, 1)).splitlines()
    return {line.split(" ")[0] for line in lines if line.endswith(f" {_REINSTALL}")}


def _audit(system: System) -> str:
    return output_of(system, ["dpkg", "--audit"]).strip()
