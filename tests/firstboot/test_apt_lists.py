"""Installing from lists that an earlier boot has fetched."""

import pytest

from firstboot.apt import UnknownPackages, install, update
from firstboot.step import StepFailed
from tests.firstboot.node import FakeNode


def test_a_failure_is_tried_again_with_new_lists(node: FakeNode) -> None:
    """What old ones name is no longer there once a newer version has come."""
    node.state("trouble-apt-get", "404 Not Found")
    install(node.system(), "iperf3")
    assert [call[-1] for call in node.calls()] == ["iperf3", "update", "iperf3"]
    assert node.installed() == ["iperf3"]


def test_what_is_told_is_the_first_failure(node: FakeNode) -> None:
    node.state("trouble-apt-get", "always no network")
    with pytest.raises(StepFailed, match="iperf3` ended with status 100"):
        install(node.system(), "iperf3")


@pytest.mark.parametrize(
    "said", ["E: Unable to locate package iperf4", "E: Package 'iperf4' has no installation candidate"]
)
def test_a_name_that_no_repository_has_is_not_tried_again(node: FakeNode, said: str) -> None:
    command = node.folder / "bin/apt-get"
    lines = command.read_text().splitlines(keepends=True)
    refuse = f'case "$*" in *iperf4) echo "{said}" >&2; exit 100 ;; esac\n'
    command.write_text("".join([lines[0], refuse, *lines[1:]]))
    with pytest.raises(UnknownPackages, match=r"^no repository has `iperf4`$") as failure:
        install(node.system(), "iperf4")
    assert failure.value.hopeless
    assert "`apt-cache search iperf4`" in failure.value.remedy


def test_names_are_not_known_as_long_as_the_lists_are_missing(node: FakeNode) -> None:
    node.state("trouble-apt-get", "always Unable to locate package iperf3")
    with pytest.raises(StepFailed) as failure:
        install(node.system(), "iperf3")
    assert not failure.value.hopeless


@pytest.mark.parametrize(
    "said",
    [
        # apt 2.6 and 3.0
        "W: GPG error: http://x bookworm InRelease: the public key is not available: NO_PUBKEY DC2F40ACB0",
        "W: Sub-process /usr/bin/sqv returned an error code (1), error message is: Missing key 6C41B88E2BEF",
        'W: OpenPGP signature verification failed: Error: Failed to parse keyring "/nope.gpg"',
        "W: http://x trixie InRelease: No good signature from required signer: 0123456789ABCDEF01234567",
        "E: The list of sources could not be read.",
        "E: The method driver /usr/lib/apt/methods/ftpx could not be found.",
    ],
)
def test_a_source_that_apt_cannot_use_is_not_tried_again(node: FakeNode, said: str) -> None:
    node.state("trouble-apt-get", f"always {said}")
    with pytest.raises(StepFailed, match="apt-get") as failure:
        update(node.system())
    assert failure.value.hopeless
    assert said in failure.value.message


@pytest.mark.parametrize(
    "said",
    [
        "E: Failed to fetch http://x/InRelease  Could not connect to x:80, connection timed out",
        "E: Failed to fetch http://x/Packages.xz  Hash Sum mismatch",
        "E: Failed to fetch http://x/InRelease  Clearsigned file isn't valid, got 'NOSPLIT'",
        "W: Sub-process /usr/bin/sqv returned an error code (1), error message is: Not live until 2027",
        "E: The repository 'http://x bookworm Release' does not have a Release file.",
    ],
)
def test_what_time_may_mend_is_tried_again(node: FakeNode, said: str) -> None:
    node.state("trouble-apt-get", f"always {said}")
    with pytest.raises(StepFailed, match="apt-get") as failure:
        update(node.system())
    assert not failure.value.hopeless
