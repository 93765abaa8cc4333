"""What apt and dpkg leave in a root."""

import re

from tests.roots.root import Root
from tests.roots.snapshot import Snapshot, differences

# What the package managers themselves write, whatever is installed
_BOOKKEEPING = re.compile(
    r"""
    /debs(/.*)?                                  # where the tests put packages
    | /var/log/(apt|dpkg\.log|alternatives\.log)(/.*)?   # their logs
    | /var/cache/apt/.*                          # apt's index of packages
    | /var/cache/debconf/tmp\.ci                 # made by the first apt run
    | /var/lib/apt/(lists/auxfiles|extended_states|lists/.*)
    | /var/lib/dpkg/status-old                   # dpkg's backup of the last but one state
    | /var/cache/ldconfig/aux-cache              # libc's trigger
    """,
    re.VERBOSE,
)
_DATABASE = re.compile(r"/var/lib/dpkg/(status|info/.*|triggers/.*)")
_LITTER = re.compile(r"\.(dpkg|ucf)-|~$|\.pmx-ring$|/__pycache__|\.pyc$")


def changes(before: Snapshot, after: Snapshot, *, database: bool = True) -> dict[str, str]:
    """How `after` differs from `before`, but for bookkeeping; without `database` dpkg's own tables too."""
    return {
        path: difference
        for path, difference in differences(before, after).items()
        if not _BOOKKEEPING.fullmatch(path) and (database or not _DATABASE.fullmatch(path))
    }


def litter(root: Root) -> list[str]:
    """Files that dpkg, ucf, an editor, Python or an interrupted write of ours left behind."""
    ours = re.compile(r"/(etc|usr/lib/pmx-ring|var/lib/(pmx-ring|ifupdown2))/")
    return [path for path in root.tree() if ours.match(path) and _LITTER.search(path)]


def states(root: Root) -> dict[str, str]:
    """The state of each of our packages of which anything is installed: `ii` when all is well."""
    said = root.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n", "pmx-*"], check=False
    ).stdout
    lines = [line.split() for line in said.splitlines()]
    return {name: state for state, name in lines if state not in {"un", "in"}}


def version(root: Root, package: str) -> str:
    """The installed version of `package`."""
    return root.run(["dpkg-query", "-W", "-f", "${Version}", package]).stdout


def audit(root: Root) -> str:
    """What dpkg finds wrong with any package's state, and with the files of ours: empty when all is well."""
    ours = [name for name, state in states(root).items() if state == "ii"]
    verified = root.run(["dpkg", "--verify", *ours], check=False).stdout if ours else ""
    return root.run(["dpkg", "--audit"]).stdout + verified
