"""`python3 -m installer fetch` prints the answer, `install` reads one and does it."""

import subprocess
import sys
from pathlib import Path

from .answer import read_answer
from .fetch import fetched
from .install import install
from .problem import Refused

_VERSION = Path("/usr/lib/standin/version")
_REBOOT_ON_ERROR = Path("/run/reboot-on-error")
_REBOOT_MODE = Path("/run/reboot-mode")


def main(word: str) -> int:
    try:
        if word == "fetch":
            print(fetched(), end="")
        else:
            answer = read_answer(sys.stdin.read(), _VERSION.read_text().strip())
            if answer.reboot_on_error:
                _REBOOT_ON_ERROR.touch()
            install(answer)
            _REBOOT_MODE.write_text(f"{answer.reboot_mode}\n")
    except Refused as error:
        print(f"Installation refused: {error}", file=sys.stderr, flush=True)
        return 1
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"Installation failed: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


sys.exit(main(sys.argv[1]))
