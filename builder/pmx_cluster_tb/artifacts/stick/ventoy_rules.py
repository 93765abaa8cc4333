"""What in a stick's ventoy.json would hide our entries, or have Ventoy start or preselect an installation.

Read in Ventoy's source, 1.1.17 (`ventoy_plugin.c`, `ventoy_cmd.c`, `INSTALL/grub/grub.cfg`). Of each object
in the list `control` Ventoy reads the first key only. `VTOY_MENU_TIMEOUT` starts the preselected line of the
menu; it goes down from `VTOY_DEFAULT_SEARCH_ROOT`, if that is absolute, by `VTOY_MAX_SEARCH_LEVEL` folders at
most. `VTOY_DEFAULT_IMAGE` preselects an image, or with `F6>` and the like opens another menu, whose line it
starts at once. These are their owner's, so they are not changed here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from pmx_cluster_tb.artifacts.json_text import Member
from pmx_cluster_tb.plan.stick_names import DOES_NOTHING
from pmx_cluster_tb.plan.ventoy import VentoyEntries
from pmx_cluster_tb.problems import Position, Problem

PATH = "ventoy/ventoy.json"
"""On the stick, in lower case: Ventoy reads no other."""

_SUFFIXES = ("legacy", "uefi", "ia32")
"""Of the machines that Proxmox VE runs on."""

_REMOVE = "take the line out while this stick installs nodes, or use another stick"
_OTHER_MENU = re.compile(r"F[2-9]>")
_ROOT, _LEVEL = "VTOY_DEFAULT_SEARCH_ROOT", "VTOY_MAX_SEARCH_LEVEL"

OUR_IMAGE = re.compile(r"(?P<root>(?:/[^/]+)*)/pmx-[^/]+/[^/]*\.iso", re.IGNORECASE)
"""An image of a bundle, as entries name it."""


def rule_problems(parts: Sequence[Member], entries: VentoyEntries) -> Iterator[Problem]:
    """Why `entries` cannot go into the file of `parts`."""
    images = [str(entry["image"]) for entry in entries.menu_alias]
    for part in parts:
        key, _, suffix = part.key.rpartition("_")
        name = key if suffix in _SUFFIXES else part.key
        if name != part.key and name in _keys(entries):
            yield _problem(
                part,
                f"takes the place of `{name}` on such machines, and would hide what is written there",
                f"rename it to `{name}`, or take it out",
            )
        elif name == "control":
            yield from _control_problems(part, images)
        elif name == "image_list":
            yield from _list_problems(part, images)
        elif name == "image_blacklist" and (
            hidden := [one for one in images if _index(part, one) is not None]
        ):
            yield _problem(part, f"hides {_listed(hidden)}", "take that out of the list")


def _keys(entries: VentoyEntries) -> set[str]:
    """The keys that the entries need; all of them have aliases and tips."""
    more = {"auto_install": entries.auto_install, "injection": entries.injection}
    return {"menu_alias", "menu_tip", *(key for key, tables in more.items() if tables)}


def roots_of(part: Member) -> Iterator[str]:
    """Where the part has Ventoy look for images, if it says that: a path without `/` at its ends.

    Of a path that ends in the folder of a bundle it is what is above that.
    """
    value = dict(_controls(part)).get(_ROOT, "") if _is_control(part) else ""
    names = [name for name in value.split("/") if name]
    if value.startswith("/") and ".." not in names:
        yield "/".join(names[:-1] if names and names[-1].startswith("pmx-") else names)


def _is_control(part: Member) -> bool:
    return part.key in {"control", *(f"control_{suffix}" for suffix in _SUFFIXES)}


def _controls(part: Member) -> Iterator[tuple[str, str]]:
    values = part.value
    for item in values if isinstance(values, list) else ():
        if isinstance(item, dict) and item:
            name, value = next(iter(cast("dict[str, object]", item).items()))
            if isinstance(value, str):
                yield name, value


def _control_problems(part: Member, images: Sequence[str]) -> Iterator[Problem]:
    controls = list(_controls(part))
    yield from _search_problems(part, dict(controls), images[0].rpartition("/")[0])
    for name, value in controls:
        if message := _control_fault(name, value):
            yield _problem(part, f"`{name}` is `{value}`: {message}", _REMOVE)


def _search_problems(part: Member, controls: Mapping[str, str], folder: str) -> Iterator[Problem]:
    """Why Ventoy would not come to `folder`: it goes down from its search root so many levels."""
    root = controls.get(_ROOT, "").rstrip("/")
    root = root if root.startswith("/") else ""
    level = controls.get(_LEVEL, "")
    if folder != root and not folder.startswith(f"{root}/"):
        message = f"`{_ROOT}` is `{controls[_ROOT]}`: Ventoy would not look for images in `{folder}`"
        yield _problem(part, message, _REMOVE)
    elif level.isdecimal() and (needed := folder[len(root) :].count("/")) > int(level):
        message = f"`{_LEVEL}` is `{level}`: Ventoy would not look for images in `{folder}`"
        yield _problem(part, message, f"write `{needed}` there, or {_REMOVE}")


def _control_fault(name: str, value: str) -> str:
    starts = OUR_IMAGE.fullmatch(value) is not None and not value.endswith(DOES_NOTHING)
    faults = {
        "VTOY_MENU_TIMEOUT": (True, "Ventoy would start a line of its menu by itself"),
        "VTOY_DEFAULT_IMAGE": (starts, "Enter alone would start that installation"),
        "VTOY_FILE_FLT_ISO": (value == "1", "Ventoy would list no ISO"),
    }
    if name == "VTOY_DEFAULT_IMAGE" and _OTHER_MENU.match(value):
        return "Ventoy would start that before anybody can choose"
    holds, message = faults.get(name, (False, ""))
    return message if holds else ""


def _list_problems(part: Member, images: Sequence[str]) -> Iterator[Problem]:
    places = {image: _index(part, image) for image in images}
    if hidden := [image for image, place in places.items() if place is None]:
        yield _problem(part, f"hides what is not in it: {_listed(hidden)}", "add these, the first one first")
    elif places[images[0]] != min(place for place in places.values() if place is not None):
        yield _problem(
            part, f"must have `{images[0]}` before the others in its folder", "Ventoy keeps its order"
        )


def _index(part: Member, image: str) -> int | None:
    """Where the list has `image`."""
    values = part.value
    patterns = [one for one in values if isinstance(one, str)] if isinstance(values, list) else []
    return next((index for index, one in enumerate(patterns) if _matches(one, image)), None)


def _matches(pattern: str, path: str) -> bool:
    return len(pattern) == len(path) and all(
        one in {"*", char} for one, char in zip(pattern, path, strict=True)
    )


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(f"`{path}`" for path in paths)


def _problem(part: Member, message: str, hint: str) -> Problem:
    return Problem(position=Position(PATH, part.line), path=part.key, message=message, hint=hint)
