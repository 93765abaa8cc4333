"""A fake Debian system: commands on PATH that record how they were called, and a database of packages."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_COMMAND = f"""#!{sys.executable} -IS
import json, os, pathlib, signal, sys, time
system = pathlib.Path(__file__).parent.parent
name = pathlib.Path(__file__).name
words = sys.argv[1:]
files = [pathlib.Path(word) for word in words if word.endswith(".deb")]
call = {{
    "command": [name, *words],
    "environment": dict(os.environ),
    "input": sys.stdin.read(),
    "files": {{str(file): [oct(file.stat().st_mode), oct(file.parent.stat().st_mode)] for file in files}},
}}
with open(system / "calls.jsonl", "a") as log:
    print(json.dumps(call), file=log)
database = system / "packages"
installed = database.read_text().splitlines()
if name == "dpkg-query":
    known = [line for line in installed if line.split()[0] in words]
    print(*known, sep="\\n")
    sys.exit(0 if len(known) == len(words) - 2 else 1)
trouble = system / f"trouble-{{name}}"
if trouble.exists():
    text = trouble.read_text()
    trouble.unlink()
    if text == "kill":
        os.kill(os.getppid(), signal.SIGKILL)
    if text == "interrupt":
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(0.5)  # works on for longer than subprocess.run would let it
    if text != "interrupt":
        print(f"E: {{text}}", file=sys.stderr)
        sys.exit(100)
if name == "apt-get":
    lines = [" ".join(file.name.split("_")[:2]) + " installed" for file in files]
    names = [line.split()[0] for line in lines]
    kept = [line for line in installed if line.split()[0] not in names]
    database.write_text("".join(line + "\\n" for line in kept + lines))
if name == "dpkg":
    for entry in (system / "var/lib/dpkg/updates").iterdir():
        entry.unlink()
"""

# as the packed file starts itself, but for the root of the system
_START = """
import runpy, sys
from pathlib import Path
archive, root, *arguments = sys.argv[1:]
sys.exit(runpy.run_path(archive, run_name="packed")["main"](arguments, Path(root)))
"""


@dataclass(frozen=True)
class FakeDebian:
    """A system below `root`."""

    root: Path

    @classmethod
    def made_in(cls, root: Path) -> "FakeDebian":
        """A system with dpkg, apt and no packages."""
        for folder in ("bin", "run", "var/lib/dpkg/updates"):
            (root / folder).mkdir(parents=True)
        for name in ("apt-get", "dpkg", "dpkg-query"):
            (root / "bin" / name).write_text(_COMMAND)
            (root / "bin" / name).chmod(0o755)
        (root / "packages").touch()
        return cls(root)

    def first_boot(self, archive: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the first-boot file as systemd does: with hardly any environment."""
        return subprocess.run(
            [sys.executable, "-I", "-c", _START, archive, self.root, *arguments],
            check=False,
            capture_output=True,
            text=True,
            env={"PATH": str(self.root / "bin")},
        )

    def calls(self) -> list[dict[str, object]]:
        """How the commands were called, in order."""
        log = self.root / "calls.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def commands(self) -> list[str]:
        """The names of the commands that were called, but for queries."""
        names = [str(call["command"][0]) for call in self.calls()]  # type: ignore[index]
        return [name for name in names if name != "dpkg-query"]

    def trouble(self, command: str, text: str) -> None:
        """Has the next call of `command` say `text` and fail; `kill` kills the program that calls it.

        `interrupt` sends it what Ctrl-C does, and succeeds.
        """
        (self.root / f"trouble-{command}").write_text(text)

    @property
    def installed(self) -> list[str]:
        """The database: lines of name, version and state."""
        return (self.root / "packages").read_text().splitlines()

    def unpacked(self) -> list[str]:
        """What is left below /run."""
        return [path.name for path in (self.root / "run").iterdir()]
