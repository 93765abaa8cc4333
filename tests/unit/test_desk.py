"""What `init` finds out about the computer that it runs on."""

from pathlib import Path

import pytest

from pmx_cluster_tb.cli.desk import Desk

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiOUXUuXJOmDthuELckyOnwHdix3wZnp46s3ceSAZrC me@desk"
ZONE_TAB = "#codes\nNL\t+5222+00454\tEurope/Amsterdam\nUA\t+5026+03031\tEurope/Kyiv\tmost of it\n"


def desk(root: Path, files: dict[str, str], **environment: str) -> Desk:
    """A computer with these files; `-> target` makes a link."""
    for name, text in {"usr/share/zoneinfo/zone.tab": ZONE_TAB, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            path.symlink_to(text.removeprefix("-> "))
        else:
            path.write_text(text, "utf-8")
    return Desk(root, root / "home", environment)


@pytest.mark.parametrize(
    ("files", "environment", "zone"),
    [
        ({}, {}, ""),
        ({"etc/localtime": "-> /usr/share/zoneinfo/Europe/Amsterdam"}, {}, "Europe/Amsterdam"),
        ({"etc/localtime": "-> ../usr/share/zoneinfo/Europe/Amsterdam"}, {}, "Europe/Amsterdam"),
        ({"etc/localtime": "-> /var/db/timezone/zoneinfo/Europe/Amsterdam"}, {}, "Europe/Amsterdam"),
        ({"etc/localtime": "-> /usr/share/zoneinfo/Europe/Kiev"}, {}, "Europe/Kyiv"),
        ({"etc/localtime": "-> /usr/share/zoneinfo/posix/Asia/Tel_Aviv"}, {}, "Asia/Jerusalem"),
        ({"etc/localtime": "-> /usr/share/zoneinfo/Etc/UTC"}, {}, "UTC"),
        ({"etc/localtime": "-> /usr/share/zoneinfo/Mars/Base"}, {}, ""),
        ({"etc/localtime": "TZif2", "etc/timezone": "Europe/Amsterdam\n"}, {}, "Europe/Amsterdam"),
        ({"etc/localtime": "-> /usr/share/zoneinfo/UTC"}, {"TZ": ":Europe/Amsterdam"}, "Europe/Amsterdam"),
        ({"etc/localtime": "-> /usr/share/zoneinfo/UTC"}, {"TZ": "CET-1CEST,M3.5.0,M10.5.0/3"}, "UTC"),
    ],
)
def test_timezone(files: dict[str, str], environment: dict[str, str], zone: str, tmp_path: Path) -> None:
    assert desk(tmp_path, files, **environment).timezone() == zone


@pytest.mark.parametrize(
    ("zone", "environment", "country"),
    [
        ("Europe/Amsterdam", {"LANG": "en_US.UTF-8"}, "nl"),
        ("Europe/Kiev", {}, "ua"),
        ("UTC", {"LANG": "nl_NL.UTF-8"}, "nl"),
        ("UTC", {"LC_ALL": "de_CH.UTF-8", "LANG": "nl_NL.UTF-8"}, "ch"),
        ("UTC", {"LANG": "C.UTF-8"}, ""),
        ("UTC", {"LANG": "en_ZZ.UTF-8"}, ""),
        ("UTC", {}, ""),
    ],
)
def test_country(zone: str, environment: dict[str, str], country: str, tmp_path: Path) -> None:
    files = {"etc/localtime": f"-> /usr/share/zoneinfo/{zone}"}
    assert desk(tmp_path, files, **environment).country() == country


@pytest.mark.parametrize(
    ("files", "keyboard"),
    [
        ({}, ""),
        ({"etc/default/keyboard": '# keyboard\nXKBLAYOUT="us"\nXKBVARIANT=""\n'}, "en-us"),
        ({"etc/default/keyboard": "XKBLAYOUT=de,us\n"}, "de"),
        ({"etc/default/keyboard": 'XKBLAYOUT="ch"\nXKBVARIANT="fr"\n'}, "fr-ch"),
        ({"etc/default/keyboard": 'XKBLAYOUT="ch"\n'}, "de-ch"),
        ({"etc/default/keyboard": 'XKBLAYOUT="ru"\n'}, ""),
        ({"etc/vconsole.conf": "KEYMAP=de-latin1-nodeadkeys\n"}, "de"),
        ({"etc/vconsole.conf": "KEYMAP=uk\n"}, "en-gb"),
    ],
)
def test_keyboard(files: dict[str, str], keyboard: str, tmp_path: Path) -> None:
    assert desk(tmp_path, files).keyboard() == keyboard


def test_public_keys(tmp_path: Path) -> None:
    files = {
        "home/.ssh/id_ed25519.pub": KEY + "\n",
        "home/.ssh/id_ed25519-cert.pub": KEY + "\n",
        "home/.ssh/id_dsa.pub": "ssh-dss AAAA me@desk\n",
        "home/.ssh/coloured.pub": KEY + "\x1b[31m\n",
        "home/.ssh/empty.pub": "",
        "home/.ssh/id_ed25519": "a private key\n",
    }
    found = desk(tmp_path, files).public_keys()
    assert [(key.file.name, key.text) for key in found] == [("id_ed25519.pub", KEY)]


def test_a_computer_without_anything(tmp_path: Path) -> None:
    bare = Desk(tmp_path / "nowhere", tmp_path / "nobody", {})
    assert (bare.timezone(), bare.country(), bare.keyboard(), bare.public_keys()) == ("", "", "", ())
