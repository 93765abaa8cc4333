"""`first-boot [ORDERING]`: exit status 0 when every step is done, else 1."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from firstboot.archive import AlreadyRunning, BadArchive, only_runner, own_archive, settings_of
from firstboot.packages import packages_step
from firstboot.settings import BadSettings
from firstboot.steps import StepFailed, log, run_steps


def main(arguments: Sequence[str], root: Path = Path("/")) -> int:
    """Runs the steps of the settings that this program is packed with; `root` is another in tests only."""
    _parser().parse_args(arguments)
    archive = own_archive()
    try:
        with only_runner(archive):
            _run(archive, root)
    except StepFailed as error:
        return _failed(error.message, error.remedy)
    except (BadArchive, BadSettings) as error:
        return _failed(str(error), "copy the file again, or build it again with `pmx-cluster-tb build`")
    except OSError as error:
        return _failed(str(error), "it must run as root, and have room below /run")
    except AlreadyRunning as error:
        return _failed(str(error), "`journalctl --follow` shows what it does")
    return 0


def _run(archive: Path, root: Path) -> None:
    settings = settings_of(archive)
    log(f"node `{settings.node}` of cluster `{settings.cluster}`")
    run_steps([packages_step(archive, settings.packages, root)])
    log("finished")


def _failed(message: str, remedy: str) -> int:
    log(f"error: {message}")
    log(f"hint: {remedy}")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="first-boot",
        description="Makes this machine the node that it was built for: installs its packages. What is done "
        "already is left alone, so it can be run again at any time. Needs root.",
    )
    parser.add_argument(
        "ordering",
        nargs="?",
        help="when Proxmox VE runs it (`fully-up`); passed by its unit, changes nothing",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
