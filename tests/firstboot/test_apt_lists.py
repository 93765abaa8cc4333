"""Installing from lists that an earlier boot has fetched."""

import pytest

from firstboot.apt import install
from firstboot.steps import StepFailed
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
