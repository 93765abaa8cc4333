"""Filters by which the automated installer finds the disks with given serials.

The rules come from the source of pve-installer 9.2.7 (`proxmox-auto-installer/src/utils.rs`): a filter is a
table from udev properties to one glob each; a disk is taken when any of them matches its whole value. Globs
are those of the Rust crate `glob` 0.3: `*`, `?`, `[abc]`, `[!a]`, case-sensitive.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import groupby, permutations, product
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

_IN_A_CLASS = re.compile(r"[0-9A-Za-z#+.:=@_/-]")
"""What means only itself between brackets; `-` does in the first place."""

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
        if any(len(choice) > 1 and not all(map(_IN_A_CLASS.fullmatch, choice)) for choice in choices):
            return None
        return _Box(choices)

    @property
    def glob(self) -> str:
        return "".join(
            f"[{''.join(sorted(choice, key=_class_order))}]" if len(choice) > 1 else literal_glob(min(choice))
            for choice in self.choices
        )

    def __iter__(self) -> Iterator[str]:
        return map("".join, product(*map(sorted, self.choices)))


def _class_order(char: str) -> tuple[bool, str]:
    # elsewhere than in front it makes a range
    return char != "-", char


def _box(serial: str) -> _Box:
    return _Box(tuple(frozenset(char) for char in serial))


def literal_glob(text: str) -> str:
    """The glob that matches `text` and nothing else."""
    return _GLOB_CHARACTERS.sub(r"[\g<0>]", text)


def disk_by_serial(serial: str) -> DiskSerials:
    """The one disk with this udev ID_SERIAL_SHORT."""
    return DiskSerials((serial,), (("ID_SERIAL_SHORT", literal_glob(serial)),))


def disks_by_serial(serials: tuple[str, ...]) -> DiskSerials | None:
    """The disks with these udev ID_SERIAL_SHORT and the filter that takes them and fewest others.

    None if there is no serial, or no filter: then there are more forms of them than properties.

    ID_SERIAL_SHORT is matched as a whole, by one glob with the characters that the serials have at each
    position. In the other properties the serial is part of a longer value: there, a disk would be taken too
    whose serial only begins with one of these. Makers give the disks of one model serials of one length, so
    disks that were bought together are told apart by that form rather than by characters in common: what is
    outside the list, as long as one in it, and would be taken, decides first, and is counted.
    """
    wanted = tuple(dict.fromkeys(serials))
    found = [
        _DiskFilter(order, wanted)
        for boxes in _ways(wanted)
        for order in permutations(boxes)
        if all(_can_be_part_of_a_value(box, wanted) for box in order[1:])
    ]
    best = min(found, key=lambda one: (one.strangers, len(one.boxes), one.open), default=None)
    if best is None:
        return None
    return DiskSerials(serials, best.properties, best.strangers, best.some_strangers)


_FEW = 4


@dataclass(frozen=True, slots=True)
class _DiskFilter:
    """A box for each property, the first of which is matched as a whole."""

    boxes: tuple[_Box, ...]
    wanted: tuple[str, ...]

    @property
    def properties(self) -> tuple[tuple[str, str], ...]:
        whole, *parts = self.boxes
        others = zip(_IN_A_LONGER_VALUE, parts, strict=False)
        return ("ID_SERIAL_SHORT", whole.glob), *((name, f"*_{box.glob}*") for name, box in others)

    @property
    def strangers(self) -> int:
        """How many serials of the same lengths that are not wanted could be taken."""
        return sum(box.size - sum(serial in box for serial in self.wanted) for box in self.boxes)

    @property
    def open(self) -> int:
        """How many serials the disks that are taken besides would have to begin with."""
        return sum(box.size for box in self.boxes[1:])

    @property
    def some_strangers(self) -> tuple[str, ...]:
        """All of them, if they are few."""
        if self.strangers > _FEW:
            return ()
        return tuple(serial for box in self.boxes for serial in box if serial not in self.wanted)


def _can_be_part_of_a_value(box: _Box, wanted: tuple[str, ...]) -> bool:
    return len(box.choices) >= _UNMISTAKABLE_LENGTH and all(
        _WRITTEN_AS_IT_IS.fullmatch(serial) and not _WWN.fullmatch(serial)
        for serial in wanted
        if serial in box
    )


def _ways(wanted: tuple[str, ...]) -> Iterator[tuple[_Box, ...]]:
    """Boxes that hold all of `wanted`, at most one for each property."""
    most = 1 + len(_IN_A_LONGER_VALUE)
    by_length = [tuple(group) for _, group in groupby(sorted(wanted, key=len), key=len)]
    hulls = [_hull(group) for group in by_length]
    if 0 < len(hulls) <= most and None not in hulls:
        yield tuple(hull for hull in hulls if hull)
        if len(hulls) == 1 and hulls[0] and hulls[0].size == len(wanted):
            return
    if wanted:
        yield from _covers(wanted, _boxes(wanted), most)


def _hull(serials: tuple[str, ...]) -> _Box | None:
    """The smallest box with `serials`, which are of one length."""
    box: _Box | None = _box(serials[0])
    for serial in serials:
        box = box and box.grown(serial)
    return box


def _boxes(wanted: tuple[str, ...]) -> tuple[_Box, ...]:
    """Boxes of wanted serials only, grown from pairs of serials as far as that goes; the largest first."""
    singles = [_box(serial) for serial in wanted]
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
