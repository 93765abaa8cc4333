"""What a machine's console says on its way from an empty disk to a node, as few words with a time."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

_STAGES = (
    "making partitions and volumes|extracting the base system|installing packages|making the initramfs"
    "|installing the boot loader"
)
_GENUINE_STAGES = "create partitions|extracting base system|configuring base system|make system bootable"

_MEANINGS = (
    (r"Starting automatic installation", "the installer has started"),
    (rf"^\[ *[\d.]+\] ({_STAGES})$", "{0}"),
    (rf"^INFO: progress +[\d.]+ % - ({_GENUINE_STAGES})", "{0}"),
    (r"(?:Installation refused|^ERROR): (.*)", "the installer refuses: {0}"),
    (r"Installation aborted", "the installer has given up and leaves a shell"),
    (r"Installation done", "installed"),
    (r"(?:reboot: Power down|Powering off \.\.\.|powering off - )", "switches itself off"),
    (r"reboot: Restarting system", "reboots"),
    (r"pmx first boot: ([\w-]+): done after (.*)", "first boot: {0} done after {1}"),
    (r"pmx first boot: ([\w-]+): (failed.*)", "first boot: {0} {1}"),
    (r"pmx first boot: (rebooting.*)", "first boot: {0}"),
    (r"pmx first boot: finished: (\w{12})", "first boot has finished: {0}..."),
    (r"^(\S+) login:", "up, and asks for a login"),
)
_PATTERNS = tuple((re.compile(pattern), meaning) for pattern, meaning in _MEANINGS)


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something that a machine has reached, `seconds` after the beginning."""

    seconds: float
    machine: str
    text: str

    def __str__(self) -> str:
        minutes, seconds = divmod(int(self.seconds), 60)
        return f"{minutes:3}:{seconds:02}  {self.machine:6}  {self.text}"


@dataclass
class Milestones:
    """All of several machines, in order. `show` gets each as it comes."""

    show: Callable[[str], None] = lambda _: None
    reached: list[Milestone] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    _lock: Lock = field(default_factory=Lock)

    def tell(self, machine: str, text: str) -> None:
        """Adds one that the story itself knows of."""
        with self._lock:
            milestone = Milestone(time.monotonic() - self.began, machine, text)
            self.reached.append(milestone)
            self.show(str(milestone))

    def listener(self, machine: str) -> Callable[[str], None]:
        """What takes the lines of a machine's console. What it says twice is told once."""
        last = None

        def take(line: str) -> None:
            nonlocal last
            text = meaning(line)
            if text is not None and text != last:
                last = text
                self.tell(machine, text)

        return take


def meaning(line: str) -> str | None:
    """The milestone in a line of a console, if there is one."""
    for pattern, text in _PATTERNS:
        if match := pattern.search(line):
            return text.format(*match.groups())
    return None
