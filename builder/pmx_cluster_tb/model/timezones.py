"""Time zones: the names that the installer takes, and what other names of tzdata are among these."""

import re

from pmx_cluster_tb.model.kinds import Text
from pmx_cluster_tb.model.report import Refusal
from pmx_cluster_tb.model.words import words

_KNOWN = words("timezones")
_ALIASES = dict(line.split() for line in words("timezone-aliases"))
"""Each with the name of zone.tab where the same time holds."""

_REGIONS = {zone.partition("/")[0] for zone in _KNOWN if "/" in zone}

_ABBREVIATION = re.compile(r"[A-Z]{1,5}")
"""`CEST` is no misspelt city. Many are of several zones."""

_NEAR_ENOUGH = 0.8
"""How like a city's name, from 0 to 1. Whole names are alike by the continent alone."""


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].lower()


def _meant(text: str) -> str | None:
    """The zone that was meant by `text`: by another name of it, in another case, or misspelt."""
    names = {**_ALIASES, **{zone: zone for zone in _KNOWN}}
    by_lower_case = {name.lower(): zone for name, zone in names.items()}
    meant = re.sub(r"[\s-]+", "_", text.lower())
    if found := names.get(text) or by_lower_case.get(text.lower()) or by_lower_case.get(meant):
        return found
    if _ABBREVIATION.fullmatch(text):
        return None
    # what begins like `UTC` and goes on may be any offset, so only places are guessed
    places = {_city(name): zone for name, zone in names.items() if name.partition("/")[0] in _REGIONS}
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    near = get_close_matches(_city(meant)[:60], places, n=1, cutoff=_NEAR_ENOUGH)
    return places[near[0]] if near else None


def _timezone(text: str) -> str:
    if text in _KNOWN:
        return text
    zone = _meant(text)
    raise Refusal(
        "is not a time zone that the installer knows: a name of zone.tab, or `UTC`",
        f"did you mean `{zone}`?" if zone else "a city with your time such as `Europe/Amsterdam`",
    )


TIMEZONE = Text(_timezone, "a time zone such as `Europe/Amsterdam`", {"enum": sorted(_KNOWN)})
