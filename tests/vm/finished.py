"""What holds on a node when its first boot has finished."""

import re

from tests.vm.cluster import USER
from tests.vm.story import Node, Story


def is_finished(story: Story, node: Node) -> None:
    """Fails with what is missing. Expects a root shell on the node's console."""
    machine = node.machine
    running, newest = machine.succeed("uname -r").strip(), story.stand_in.kernels[1]
    assert running == newest, f"kernel {running} runs on {node.name}, and the newer one is {newest}"
    assert machine.succeed("hostname").strip() == node.name
    machine.succeed(f"id {USER}")
    machine.succeed(f"dpkg -s pmx-ring pmx-story-{node.name} sudo iperf3 >/dev/null")
    assert not re.search(r"(?m)^[^#]*enterprise", machine.succeed("apt-get indextargets"))
    assert "finished" in machine.succeed("pmx-ring first-boot")
