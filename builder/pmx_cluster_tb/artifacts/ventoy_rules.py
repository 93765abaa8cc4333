"""What in a stick's ventoy.json would hide our entries, or have Ventoy start or preselect an installation.

Read in Ventoy's source, 1.1.17 (`ventoy_plugin.c`, `ventoy_cmd.c`, `INSTALL/grub/grub.cfg`). Of each object
in the list `control` Ventoy reads the first key only. `VTOY_MENU_TIMEOUT` starts the preselected line of the
menu; `VTOY_DEFAULT_IMAGE` preselects an image, or with `F6>` and the like opens another menu, whose line it
starts at once. These are their owner's, so they are not changed here.
"""

import re
from collections.abc import Iterator, Sequence
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
_OUR_IMAGE = re.compile(r"/pmx-[^/]+/.*\.iso", re.IGNORECASE)


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


def _control_problems(part: Member, images: Sequence[str]) -> Iterator[Problem]:
    values = part.value
    for item in values if isinstance(values, list) else ():
        if not isinstance(item, dict) or not item:
            continue
        name, value = next(iter(cast("dict[str, object]", item).items()))
        if isinstance(value, str) and (message := _control_fault(name, value, images)):
            yield _problem(part, f"`{name}` is `{value}`: {message}", _REMOVE)


def _control_fault(name: str, value: str, images: Sequence[str]) -> str:
    folder = images[0].rpartition("/")[0]
    starts = _OUR_IMAGE.fullmatch(value) is not None and not value.endswith(DOES_NOTHING)
    faults = {
        "VTOY_MENU_TIMEOUT": (True, "Ventoy would start a line of its menu by itself"),
        "VTOY_DEFAULT_IMAGE": (starts, "Enter alone would start that installation"),
        "VTOY_DEFAULT_SEARCH_ROOT": (
            value.rstrip("/") not in {"", folder},
            f"Ventoy would not look for images in `{folder}`",
        ),
        "VTOY_MAX_SEARCH_LEVEL": (value == "0", "Ventoy would not look for images in folders"),
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
