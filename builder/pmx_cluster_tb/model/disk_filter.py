"""Filters by which the automated installer finds exactly the disks with given serials.

The rules come from the source of pve-installer 9.2.7 (`proxmox-auto-installer/src/utils.rs`): a filter is a
table from udev properties to one glob each; a disk is taken when any of them matches its whole value. Globs
are those of the Rust crate `glob` 0.3: `*`, `?`, `[abc]`, `[!a]`, case-sensitive.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from math import prod

from pmx_cluster_tb.model.cluster import DiskSerials

_GLOB_CHARACTERS = re.compile(r"[*?\[\]]")

_IN_A_LONGER_VALUE = ("ID_SERIAL", "DEVLINKS")
"""Properties in which the serial stands after an underscore: `<model>_<serial>`, for NVMe also followed by
`_<namespace>` (60-persistent-storage.rules of systemd 252 and 257)."""

_UNMISTAKABLE_LENGTH = 8
"""Shorter serials could as well be a word of the model that precedes them."""

_WRITTEN_AS_IT_IS = re.compile(r"[0-9A-Za-z#+.:=@-]+")
"""udev replaces other characters where it joins model and serial, and puts underscores between them."""

_WWN = re.compile(r"[2356][0-9a-f]{15}([0-9a-f]{16})?")
"""SAS disks have their WWN as ID_SERIAL_SHORT; no underscore precedes it in ID_SERIAL."""


@dataclass(frozen=True, slots=True)
class _Box:
    """Serials of one length: at each position one of some characters. It is the set that one glob matches."""

    choices: tuple[frozenset[str], ...]

    @property
    def size(self) -> int:
        return prod(map(len, self.choices))

    def __contains__(self, serial: str) -> bool:
        return len(serial) == len(self.choices) and all(
            char in choice for char, choice in zip(serial, self.choices, strict=True)
        )

    def grown(self, serial: str) -> "_Box | None":
        """The smallest box with `serial` too, if one glob can tell it from other serials."""
        if len(serial) != len(self.choices):
            return None
        choices = tuple(choice | {char} for char, choice in zip(serial, self.choices, strict=True))
        # `-`, `!` and brackets mean something in a class
        if any(len(choice) > 1 and not all(map(str.isalnum, choice)) for choice in choices):
            return None
        return _Box(choices)

    @property
    def glob(self) -> str:
        return "".join(
            f"[{''.join(sorted(choice))}]" if len(choice) > 1 else literal_glob(min(choice))
            for choice in self.choices
        )


def literal_glob(text: str) -> str:
    """The glob that matches `text` and nothing else."""
    return _GLOB_CHARACTERS.sub(r"[\g<0>]", text)


def disk_by_serial(serial: str) -> DiskSerials:
    """The one disk with this udev ID_SERIAL_SHORT."""
    return DiskSerials((serial,), (("ID_SERIAL_SHORT", literal_glob(serial)),))


def disks_by_serial(serials: tuple[str, ...]) -> DiskSerials | None:
    """The disks with these udev ID_SERIAL_SHORT and the filter that takes them and no other.

    None if there is no such filter, or no serial.

    One serial, or serials that differ where a glob can say so (`S6P1[34]`), are matched in ID_SERIAL_SHORT.
    More need other properties, where the serial is part of a longer value: there, a disk whose serial only
    begins with one of these, or has it after an underscore, would be taken too. Serials of a maker have one
    length.
    """
    wanted = tuple(dict.fromkeys(serials))
    if not wanted:
        return None
    boxes = _boxes(wanted)
    for count in range(1, 2 + len(_IN_A_LONGER_VALUE)):
        for cover in _covers(wanted, boxes, count):
            # what may only be matched as a whole comes first
            short, *longer = sorted(cover, key=lambda box: _can_be_part_of_a_value(box, wanted))
            if all(_can_be_part_of_a_value(box, wanted) for box in longer):
                others = zip(_IN_A_LONGER_VALUE, longer, strict=False)
                found_by = (
                    ("ID_SERIAL_SHORT", short.glob),
                    *((name, f"*_{box.glob}*") for name, box in others),
                )
                return DiskSerials(serials, found_by)
    return None


def _can_be_part_of_a_value(box: _Box, wanted: tuple[str, ...]) -> bool:
    return len(box.choices) >= _UNMISTAKABLE_LENGTH and all(
        _WRITTEN_AS_IT_IS.fullmatch(serial) and not _WWN.fullmatch(serial)
        for serial in wanted
        if serial in box
    )


def _boxes(wanted: tuple[str, ...]) -> tuple[_Box, ...]:
    """Boxes of wanted serials only, grown from pairs of serials as far as that goes; the largest first."""
    singles = [_Box(tuple(frozenset(char) for char in serial)) for serial in wanted]
    seeds = dict.fromkeys(_enlarged(single, serial, wanted) for single in singles for serial in wanted)
    found = dict.fromkeys(
        reduce(lambda box, serial: _enlarged(box, serial, wanted), wanted, seed) for seed in seeds
    )
    return tuple(sorted(found, key=lambda box: -box.size))


def _enlarged(box: _Box, serial: str, wanted: tuple[str, ...]) -> _Box:
    """`box` with `serial`, if it then still holds nothing else than wanted serials."""
    larger = box if serial in box else box.grown(serial)
    if larger is None or larger.size > len(wanted):
        return box
    return larger if larger.size == sum(one in larger for one in wanted) else box


def _covers(wanted: tuple[str, ...], boxes: tuple[_Box, ...], most: int) -> Iterator[tuple[_Box, ...]]:
    """Every choice of at most `most` boxes that hold all of `wanted`."""
    if not wanted:
        yield ()
    elif most:
        for box in boxes:
            if wanted[0] in box:
                left = tuple(serial for serial in wanted if serial not in box)
                yield from ((box, *rest) for rest in _covers(left, boxes, most - 1))
