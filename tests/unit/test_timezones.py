"""Names of time zones that the installer refuses, held against the tzdata of this system."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from pmx_cluster_tb.model.report import Report
from pmx_cluster_tb.model.timezones import TIMEZONE
from pmx_cluster_tb.model.words import words

KNOWN = frozenset(words("timezones"))
NO_PLACE = {"Factory", "localtime"}
REFUSED = sorted(available_timezones() - KNOWN - NO_PLACE)
ALIASES = [name for name in REFUSED if not re.match("Etc/GMT[+-][1-9]", name)]
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = [FIRST_DAY + timedelta(days=day) for day in range(366)]


def hint(name: str) -> str:
    """The hint for a zone that is refused."""
    report = Report("cluster.toml", {})
    assert TIMEZONE.read(name, ("timezone",), report) is None
    (problem,) = report.problems
    return problem.hint


def meant(name: str) -> str | None:
    """The zone that the hint names."""
    return hint(name).split("`")[1] if hint(name).startswith("did you mean") else None


def test_tzdata_is_there() -> None:
    assert len(ALIASES) >= 139


@pytest.mark.parametrize("name", ALIASES)
def test_the_hint_for_an_old_name_is_a_zone_with_the_same_time(name: str) -> None:
    zone = meant(name)
    assert zone in KNOWN
    assert [day.astimezone(ZoneInfo(zone)).utcoffset() for day in DAYS] == [
        day.astimezone(ZoneInfo(name)).utcoffset() for day in DAYS
    ]


@pytest.mark.parametrize("name", sorted(set(REFUSED) - set(ALIASES)))
def test_an_offset_without_a_place_gets_no_zone_with_another_offset(name: str) -> None:
    assert meant(name) is None


def test_every_name_in_the_list_is_of_a_zone_that_is_taken() -> None:
    pairs = [line.split() for line in words("timezone-aliases")]
    assert all(alias not in KNOWN and zone in KNOWN for alias, zone in pairs)


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Europe/Amsterdm", "Europe/Amsterdam"),
        ("europe/amsterdam", "Europe/Amsterdam"),
        ("Amsterdam", "Europe/Amsterdam"),
        ("America/New York", "America/New_York"),
        ("America/Montreall", "America/Toronto"),
        ("asia/tel_aviv", "Asia/Jerusalem"),
        ("Tel Aviv", "Asia/Jerusalem"),
        ("utc", "UTC"),
        ("gmt", "UTC"),
        ("us/eastern", "America/New_York"),
        *((text, None) for text in ("UTC+1", "GMT+2", "EDT", "PST", "BST", "CEST", "WEST", "+02:00")),
        ("America/Boston", None),
    ],
)
def test_what_was_meant(name: str, zone: str | None) -> None:
    assert meant(name) == zone
