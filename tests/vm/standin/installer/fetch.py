"""Where the answer comes from."""

import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

from .problem import Refused

_CDROM = Path("/cdrom")
_MODE = "auto-installer-mode.toml"
_ANSWER = Path("/mnt/answer")
_DEFAULT_LABEL = "proxmox-ais"


def fetched(cdrom: Path = _CDROM) -> str:
    """The text of the answer file that the medium in `cdrom` asks for."""
    mode = read_mode((cdrom / _MODE).read_text() if (cdrom / _MODE).exists() else None)
    if mode["mode"] == "iso":
        return _text(cdrom / "answer.toml")
    if mode["mode"] == "partition":
        return _from_partition(str(mode.get("partition_label", _DEFAULT_LABEL)))
    raise Refused("this stand-in fetches no answers over http")


def read_mode(text: str | None) -> Mapping[str, object]:
    """The settings in `auto-installer-mode.toml`."""
    if text is None:
        raise Refused(f"no {_MODE} on the medium: it was not prepared for automatic installation")
    try:
        mode = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{_MODE}: {error}") from error
    if unknown := sorted(mode.keys() - {"mode", "partition_label", "http"}):
        raise Refused(f"{_MODE}: unknown field `{unknown[0]}`")
    if mode.get("mode") not in {"iso", "http", "partition"}:
        raise Refused(f"{_MODE}: unknown mode {mode.get('mode')!r}")
    return mode


def _from_partition(label: str) -> str:
    if not any(line.split()[1] == str(_ANSWER) for line in Path("/proc/mounts").read_text().splitlines()):
        device = labelled(label, Path("/dev/disk/by-label"))
        _ANSWER.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-o", "ro", device, _ANSWER], check=True)
    return _text(_ANSWER / "answer.toml")


def labelled(label: str, folder: Path) -> Path:
    """The device with a label in `folder`, or with the same in capitals or in small letters."""
    for name in (label, label.upper(), label.lower()):
        if (folder / name).exists():
            return folder / name
    raise Refused(f"no partition labelled {label} found")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"no answer: {error}") from error
