"""Whether this machine is the node that the program was built for."""

from firstboot.system import System


class WrongMachine(Exception):
    """The machine has the name of another node."""


def check_own_machine(system: System, node: str) -> None:
    """Raises WrongMachine if /etc/hostname names another than `node`; its package judges by it too."""
    names = (line.split(".")[0].strip().lower() for line in system.text("/etc/hostname").splitlines())
    name = next((name for name in names if name and not name.startswith("#")), node)
    if name != node:
        raise WrongMachine(f"this file is for node `{node}`, and this machine is `{name}` by /etc/hostname")
