"""`first-boot [ORDERING]`: exit status 0 when every step is done, 1 if not, 2 for a wrong command line."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from firstboot.archive import BadArchive, own_archive, settings_of
from firstboot.boot import Boot
from firstboot.log import is_by_hand, log_to
from firstboot.one_runner import AlreadyRunning, only_runner
from firstboot.own_machine import WrongMachine, check_own_machine
from firstboot.settings import STEPS, BadSettings
from firstboot.shared_hook import NotOneNode, is_shared, keep_own_part
from firstboot.system import System

_MACHINE = Path("/")
_CONSOLE = "dev/console"
_ORDERINGS = ("before-network", "network-online", "fully-up")
_ANOTHER_COPY = "copy the file again, or build it again with `pmx-cluster-tb build`"


_REMEDIES: dict[type[Exception], str] = {
    BadArchive: _ANOTHER_COPY,
    BadSettings: _ANOTHER_COPY,
    WrongMachine: "take the file of that node; `pmx-cluster-tb build` makes one for each",
    NotOneNode: "correct `nic.mac` in the cluster file and make the stick again, or take the file that "
    "`pmx-cluster-tb build` makes for this node",
    AlreadyRunning: "`journalctl --follow` shows what it does",
    OSError: "it needs root, and a disk that is neither full nor read-only",
}


def main(arguments: Sequence[str]) -> int:
    """Runs what `arguments` ask for with the settings that this program is packed with."""
    options = _parser().parse_args(arguments)
    archive, system = own_archive().resolve(), _system(options)
    try:
        if is_shared(archive):
            _become_own(system, archive, arguments)
            return 0
        return 0 if _run(system, archive, options) else 1
    except tuple(_REMEDIES) as error:
        remedy = next(text for kind, text in _REMEDIES.items() if isinstance(error, kind))
        return _failed(system, str(error), remedy)
    except KeyboardInterrupt:
        return _failed(system, "interrupted", "run it again: it goes on where it stopped")


def _become_own(system: System, archive: Path, arguments: Sequence[str]) -> None:
    """Takes other nodes' part out of the file and starts what is left; returns in a dry run only."""
    with nullcontext() if system.dry_run else only_runner(system):
        keep_own_part(system, archive)
    if not system.dry_run:
        os.execv(sys.executable, [sys.executable, "-IB", str(archive), *arguments])  # noqa: S606 - itself


def _run(system: System, archive: Path, options: argparse.Namespace) -> bool:
    settings = settings_of(archive)
    check_own_machine(system, settings.node)
    boot = Boot(system, archive, settings, by_hand=options.ordering is None)
    with nullcontext() if system.dry_run else only_runner(system):
        return boot.do_one(options.step) if options.step else boot.finish()


def _system(options: argparse.Namespace) -> System:
    root = Path(options.root).resolve()
    own = root == _MACHINE
    console = None if options.dry_run or is_by_hand() or not own else root / _CONSOLE
    return System(
        root=root,
        say=log_to(console),
        live=own and (root / "run/systemd/system").is_dir(),
        chroot=not own,
        dry_run=options.dry_run,
    )


def _failed(system: System, message: str, remedy: str) -> int:
    system.say(f"error: {message}")
    system.say(f"hint: {remedy}")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="first-boot",
        description="Makes this machine the node that it was built for. What is done already is left alone, "
        "so it can be run again at any time. Needs root.",
    )
    parser.add_argument("--root", default="/", metavar="DIR", help="act on the system in DIR instead")
    parser.add_argument("--step", choices=STEPS, metavar="NAME", help=f"do one step: {', '.join(STEPS)}")
    parser.add_argument("--dry-run", action="store_true", help="tell what would change, and change nothing")
    parser.add_argument(
        "ordering",
        nargs="?",
        choices=_ORDERINGS,
        help="passed by Proxmox VE's unit: this is a boot, which counts, and no run by hand",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
