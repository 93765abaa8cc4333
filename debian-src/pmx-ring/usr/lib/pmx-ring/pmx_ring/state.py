"""What this program did and remembers, so that it can take it back: /var/lib/pmx-ring/state.json."""

import json
from dataclasses import dataclass, field, fields
from typing import Self

from pmx_ring.problems import RingError
from pmx_ring.system import System, write_file

FOLDER = "/var/lib/pmx-ring"
_STATE = f"{FOLDER}/state.json"


@dataclass(slots=True)
class State:
    """What was done. Every field has a value that means "nothing yet"."""

    system: System
    addresses: list[str] = field(default_factory=list)
    """Addresses with prefix that were put on lo."""
    written: dict[str, str] = field(default_factory=dict)
    """Digests of what was written, by path, in place of files of others."""
    awake: list[str] = field(default_factory=list)
    """PCI addresses of the controllers that are kept from sleeping."""
    without_tso: list[str] = field(default_factory=list)
    """Interfaces whose TSO is switched off whenever they appear."""
    frr_enabled: bool = False
    """Whether frr.service was enabled here, having been off."""
    frr_loaded: str = ""
    """Digest of the configuration that FRR runs."""
    lldpd_loaded: str = ""
    """Digest of the configuration that lldpd runs."""
    boot_image: str = ""
    """Digest of the files that the initramfs holds."""
    router_advertisements: list[str] = field(default_factory=list)
    """Interfaces that accept router advertisements although the node forwards."""
    forced_host: str = ""
    """The name of the machine on which another node's settings were asked for with `--force`."""
    last_note: str = ""
    """The request that the last apply was for; see `request.note_identity`."""
    last_problems: list[str] = field(default_factory=list)
    """What went wrong in the last apply."""

    @classmethod
    def load(cls, system: System) -> Self:
        """The state as it was saved; one of its own where there is none."""
        text = system.text(_STATE)
        if text is None:
            return cls(system)
        try:
            saved = json.loads(text)
        except ValueError:
            raise RingError(
                f"`{_STATE}` is damaged", f"remove it, then `pmx-ring apply`: rm {_STATE}"
            ) from None
        known = {one.name for one in fields(cls)} - {"system"}
        return cls(system, **{key: value for key, value in saved.items() if key in known})

    def save(self, **changes: object) -> None:
        """Remember `changes`, by field, through a power cut."""
        for name, value in changes.items():
            setattr(self, name, value)
        table = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "system"}
        write_file(self.system.path(_STATE), json.dumps(table, indent=2, sort_keys=True) + "\n", mode=0o600)
