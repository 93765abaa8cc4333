"""Files of /etc/network/interfaces, by listing `interfaces/`: `<case>.before` becomes `<case>.after`."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstboot.steps.interfaces_file import with_source_line, without_leftovers

_PORTS = ["en05", "en06"]
_CASES = sorted((Path(__file__).parent / "interfaces").glob("*.before"))
_NAMES = ["enp2s0", "enp4s0", "nic1", "wlp5s0", "thunderbolt0", "thunderbolt1", "en05", "en06"]

every_case = pytest.mark.parametrize("before", _CASES, ids=lambda path: path.stem)


def _cleaned(text: str) -> str:
    return with_source_line(without_leftovers(text, _PORTS))


def _installers(others: list[str], family: str) -> str:
    # as pve-installer's Proxmox/Install.pm writes it
    return (
        f"auto lo\niface lo inet loopback\n\niface enp3s0 {family} manual\n"
        f"\nauto vmbr0\niface vmbr0 {family} static\n\taddress 192.0.2.11/24\n\tgateway 192.0.2.1\n"
        "\tbridge-ports enp3s0\n\tbridge-stp off\n\tbridge-fd 0\n"
        + "".join(f"\niface {name} {family} manual\n" for name in others)
        + "\n\nsource /etc/network/interfaces.d/*\n"
    )


def test_there_are_many_cases() -> None:
    assert len(_CASES) >= 15


@every_case
def test_a_file_becomes_what_it_must(before: Path) -> None:
    assert _cleaned(before.read_text()) == before.with_suffix(".after").read_text()


@every_case
def test_a_second_run_changes_nothing(before: Path) -> None:
    once = _cleaned(before.read_text())
    assert _cleaned(once) == once


@every_case
def test_the_management_bridge_stays(before: Path) -> None:
    def bridge(text: str) -> str:
        return text.partition("iface vmbr0")[2].partition("\n\n")[0].strip()

    assert bridge(_cleaned(before.read_text())) == bridge(before.read_text())


@given(st.lists(st.sampled_from(_NAMES), unique=True), st.sampled_from(["inet", "inet6"]))
def test_what_remains_is_an_installation_without_cables(others: list[str], family: str) -> None:
    ring = {"thunderbolt0", "thunderbolt1", *_PORTS}
    without_cables = [name for name in others if name not in ring]
    assert _cleaned(_installers(others, family)) == _installers(without_cables, family)


@given(st.text(alphabet="iface auto\n\\#en05 thunderbolt0", max_size=120))
def test_text_without_stanzas_stays(text: str) -> None:
    text = "\n".join(line for line in text.split("\n") if "iface" not in line)
    assert without_leftovers(text, _PORTS) == text
