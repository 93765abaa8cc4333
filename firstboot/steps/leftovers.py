"""The step that removes what an installation with plugged in Thunderbolt cables leaves behind."""

from collections.abc import Collection, Iterator
from pathlib import Path

from firstboot.changes import FileChange, bring_about
from firstboot.settings import Settings
from firstboot.step import Step, StepFailed
from firstboot.steps.interfaces_file import configured_names, used_names, with_source_line, without_leftovers
from firstboot.steps.name_pins import PIN_FILE, PIN_FOLDER, Nic, Pin, pin_of, thunderbolt_pins

_INTERFACES = "etc/network/interfaces"
# a change in the GUI that awaits `Apply`, or the next boot
_PENDING = "etc/network/interfaces.new"
_BACKUP = ".before-first-boot"


def leftovers_step(settings: Settings) -> Step:
    """Cleans the node's network configuration."""
    ports = [port.name for port in settings.ports]
    return Step(
        name="leftovers",
        is_done=lambda system: not changes_of_leftovers(system.root, ports),
        do=lambda system: bring_about(system, changes_of_leftovers(system.root, ports)),
        deadline=settings.deadlines["leftovers"],
    )


def changes_of_leftovers(root: Path, ports: Collection[str]) -> list[FileChange]:
    """What the step would change: each backup before the file that it is of, pins last."""
    if not (root / _INTERFACES).is_file():
        raise StepFailed(f"`{root / _INTERFACES}` is missing", "is this a Proxmox VE system?")
    texts = list(_all_texts(root))
    used = set().union(*map(used_names, texts))
    configured = set().union(*map(configured_names, texts))
    pins = dict(_pins(root))
    nics = list(_nics(root / "sys/class/net"))
    stale = thunderbolt_pins(pins, nics, ports, used | configured)
    names = {*ports, *(pins[path].name for path in stale)}
    changes = [change for path in (_INTERFACES, _PENDING) for change in _edits(root, path, names, used)]
    return changes + [change for path in sorted(stale) for change in _removal(root, path)]


def _edits(root: Path, path: str, names: Collection[str], used: Collection[str]) -> Iterator[FileChange]:
    if not (root / path).is_file():
        return
    before = (root / path).read_bytes()
    # latin-1 keeps every byte as it is
    after = with_source_line(without_leftovers(before.decode("latin-1"), names, used)).encode("latin-1")
    if after != before:
        yield from _backup(root, path, before)
        yield FileChange(path, before, after)


def _removal(root: Path, path: str) -> Iterator[FileChange]:
    content = (root / path).read_bytes()
    # no `.link` any more to udev; the initramfs holds those of /etc and /usr/lib alone
    yield from _backup(root, path, content)
    yield FileChange(path, content, None)


def _backup(root: Path, path: str, content: bytes) -> Iterator[FileChange]:
    # an older backup stays: it is what the installer wrote
    number = 1
    while (root / (name := path + _BACKUP + (f".{number}" if number > 1 else ""))).exists():
        if (root / name).read_bytes() == content:
            return
        number += 1
    yield FileChange(name, None, content, like=path)


def _all_texts(root: Path) -> Iterator[str]:
    folder = root / "etc/network/interfaces.d"
    paths = [root / _INTERFACES, root / _PENDING, *(sorted(folder.iterdir()) if folder.is_dir() else [])]
    yield from (path.read_text(encoding="latin-1") for path in paths if path.is_file())


def _pins(root: Path) -> Iterator[tuple[str, Pin]]:
    for path in (root / PIN_FOLDER).glob("*.link"):
        pin = pin_of(path.read_text(encoding="latin-1")) if PIN_FILE.fullmatch(path.name) else None
        if pin:
            yield str(path.relative_to(root)), pin


def _nics(folder: Path) -> Iterator[Nic]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        driver = path / "device/driver"
        if driver.is_symlink():
            mac = (path / "address").read_text(encoding="ascii").strip().lower()
            yield Nic(path.name, mac, driver.readlink().name, is_held=(path / "master").is_symlink())
