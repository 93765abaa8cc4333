"""`first-boot [ORDERING]`: exit status 0 when every step is done, 1 if not, 2 for a wrong command line."""

import argparse
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
from firstboot.system import System

_MACHINE = Path("/")
_CONSOLE = "dev/console"
_ORDERINGS = ("before-network", "network-online", "fully-up")


def main(arguments: Sequence[str]) -> int:
    """Runs what `arguments` ask for with the settings that this program is packed with."""
    options = _parser().parse_args(arguments)
    archive, system = own_archive().resolve(), _system(options)
    try:
        settings = settings_of(archive)
        check_own_machine(system, settings)
        boot = Boot(system, archive, settings, by_hand=options.ordering is None)
        with nullcontext() if system.dry_run else only_runner(system):
            succeeded = boot.do_one(options.step) if options.step else boot.finish()
    except (BadArchive, BadSettings) as error:
        return _failed(
            system, str(error), "copy the file again, or build it again with `pmx-cluster-tb build`"
        )
    except WrongMachine as error:
        return _failed(
            system, str(error), "take the file of that node; `pmx-cluster-tb build` makes one for each"
        )
    except AlreadyRunning as error:
        return _failed(system, str(error), "`journalctl --follow` shows what it does")
    except KeyboardInterrupt:
        return _failed(system, "interrupted", "run it again: it goes on where it stopped")
    except OSError as error:
        return _failed(system, str(error), "it needs root, and a disk that is neither full nor read-only")
    return 0 if succeeded else 1


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
