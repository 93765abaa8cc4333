"""Which messages of a node's journal the story passes over."""

import pytest

from tests.vm.journal import is_expected, unexpected, while_it_starts

_PULLED = (
    "300.{} pve1 fabricd[470]: [K2MWK-8PNHS] Send L2 IIH on en05 failed",
    "300.{} pve1 zebra[469]: [NZNZ4][EC 1] 0:254:10.0.0.82/32: Failed to enqueue dataplane install",
)


@pytest.mark.parametrize(
    "line",
    [
        "592.9 pve2 systemctl[1670]: Failed to print the table: Broken pipe",
        "51.5 pve3 watchfrr.sh[353]: Cannot stop zebra: pid file not found",
        "58.4 pve3 watchfrr.sh[397]: Failed to start fabricd!",
        "121.9 pve3 watchfrr[448]: [HD38Q-0HBRT][EC 268435457] mgmtd state -> down : read returned EOF",
        '60.5 pve2 zebra[469]: libyang Invalid boolean value "". (/frr-vrf:lib/vrf/state/active)',
        "61.1 pve2 zebra[469]: libyang Unsatisfied pattern. (/frr-interface:lib/interface/state/mac)",
    ],
)
def test_noise_of_others(line: str) -> None:
    assert is_expected(line)


def test_only_a_crash_while_it_ends_is_passed_over() -> None:
    lines = [
        "1795862204.37 pve3 OPEN_FABRIC[1083]: Received signal 11 at 1795862204 (si_addr 0x20); aborting...",
        "1795862205.44 pve3 OPEN_FABRIC[1083]:     ---- signal ----",
    ]
    assert unexpected(lines, [1795862200.5]) == []
    for end in (1795862000.0, 1795862210.0):
        assert unexpected(lines, [end]) == lines
    assert unexpected(lines) == lines


def test_fabricd_may_be_gone_only_while_frr_starts() -> None:
    units = [
        "718.2 pve1 systemd[1]: Starting frr.service - F",
        "747.7 pve1 systemd[1]: Started frr.service - F",
    ]
    line = "{} pve1 watchfrr[328]: [HD38Q-0HBRT][EC 268435457] fabricd state -> down : read returned EOF"
    assert while_it_starts(line.format(746.8), units)
    assert not while_it_starts(line.format(748.0), units)
    assert not while_it_starts(line.format(700.0), units)
    assert not while_it_starts(line.format(746.8).replace("fabricd", "zebra"), units)


@pytest.mark.parametrize("line", _PULLED)
def test_what_a_pulled_cable_has_said_must_end(line: str) -> None:
    lines = [line.format(number) for number in range(100)]
    assert unexpected(lines[:9]) == []
    assert unexpected(lines) == lines


@pytest.mark.parametrize(
    "line",
    [
        "58.4 pve3 watchfrr.sh[397]: Failed to start zebra!",
        "58.4 pve3 zebra[469]: [NZNZ4][EC 1] 0:254:192.168.77.0/24: Failed to enqueue dataplane install",
        "58.4 pve3 watchfrr[339]: [HD38Q-0HBRT][EC 268435457] fabricd state -> down : read returned EOF",
        "60.5 pve2 zebra[469]: libyang Invalid value. (/frr-openfabric:lib/net)",
        "60.5 pve2 pmx-ring[536]: problem: `en05` does not exist",
        "60.5 pve2 kernel: EXT4-fs error (device dm-1)",
    ],
)
def test_trouble(line: str) -> None:
    assert unexpected([line]) == [line]
