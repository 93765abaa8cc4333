"""The machines' LAN: a bridge in a network namespace, with the hosts that nodes ask on the internet.

Nothing of it reaches this machine's network. Names are resolved by dnsmasq, which gives out no addresses: the
nodes have fixed ones.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.roots.commands import require, run
from tests.roots.waiting import wait_for
from tests.vm.standin.build import StandIn
from tests.vm.standin.packages import DEBIAN, DOWNLOAD, ENTERPRISE

GATEWAY = "192.168.77.1"
"""Also the name server."""

PREFIX_LENGTH = 24

# ends when the tests do, however they do, and then takes along all that still runs in its namespace
_HOLD = """
set -e
trap '' INT TERM HUP
own=$(readlink /proc/self/ns/net)
# never in the namespace of whoever started it
[ -n "$own" ] && [ "$own" != "$2" ]
ip link set lo up
ip link add lan type bridge forward_delay 0
ip address add "$1" dev lan
ip link set lan up
echo held
set +e
read -r line
for process in /proc/[0-9]*; do
    [ "$(readlink "$process/ns/net" 2>/dev/null)" = "$own" ] && [ "$process" != "/proc/$$" ] &&
        kill -9 "${process#/proc/}"
done
"""


@dataclass(frozen=True, slots=True)
class Lan:
    """`pid` holds the namespace, and `folder` gets what its servers say."""

    pid: int
    folder: Path

    @property
    def prefix(self) -> tuple[str, ...]:
        """What starts a program in it."""
        return ("nsenter", f"--net=/proc/{self.pid}/ns/net", "--")

    @property
    def dns(self) -> str:
        """The address of the name server."""
        return GATEWAY

    def add(self, name: str) -> str:
        """One more place on the bridge; returns the value of QEMU's -netdev for it."""
        tap = f"tap-{name}"
        run([*self.prefix, "ip", "tuntap", "add", tap, "mode", "tap"])
        run([*self.prefix, "ip", "link", "set", tap, "master", "lan", "up"])
        return f"tap,ifname={tap},script=no,downscript=no"

    def requests(self) -> str:
        """What the nodes have asked for."""
        return (self.folder / "web.log").read_text(errors="replace")


@contextmanager
def lan(stand_in: StandIn, folder: Path) -> Iterator[Lan]:
    """A LAN in which the repositories of `stand_in` are the internet."""
    require("unshare", "nsenter", "ip", "dnsmasq")
    outside = str(Path("/proc/self/ns/net").readlink())
    holder = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", _HOLD, "sh", f"{GATEWAY}/{PREFIX_LENGTH}", outside],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    with ExitStack() as stack:
        stack.callback(holder.communicate)
        assert holder.stdout.readline() == b"held\n", "cannot make a network namespace with a bridge"
        made = Lan(holder.pid, folder)
        for name, command in (("dns", _dns()), ("web", _web(stand_in))):
            _serve(stack, made, name, command)
        yield made


def _serve(stack: ExitStack, lan: Lan, name: str, command: list[str]) -> None:
    log = stack.enter_context((lan.folder / f"{name}.log").open("wb"))
    server = subprocess.Popen([*lan.prefix, *command], stdout=log, stderr=log, env=_environment())
    stack.callback(server.wait)
    stack.callback(server.kill)
    port = {"dns": 53, "web": 443}[name]
    listening = [*lan.prefix, "ss", "-H", "-l", "-n", "-t", f"sport = :{port}"]
    wait_for(
        f"server for {name}",
        lambda: run(listening).stdout,
        explain=lambda: (lan.folder / f"{name}.log").read_text(errors="replace"),
    )


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUNBUFFERED": "1"}


def _dns() -> list[str]:
    hosts = (f"--address=/{name}/{GATEWAY}" for name in (DOWNLOAD, ENTERPRISE, DEBIAN))
    options = ("--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--no-resolv")
    return ["dnsmasq", *options, "--no-hosts", "--log-facility=-", *hosts]


def _web(stand_in: StandIn) -> list[str]:
    files = (stand_in.mirror, stand_in.certificate, stand_in.key)
    return [sys.executable, "-m", "tests.vm.web", *(str(file) for file in files)]
