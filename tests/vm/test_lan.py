"""The machines' LAN: who answers in it, what, and that nothing outlives it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.roots.commands import run
from tests.roots.waiting import wait_for
from tests.vm.lan import GATEWAY, Lan, lan
from tests.vm.standin.build import StandIn
from tests.vm.standin.mirror import make_certificate
from tests.vm.standin.packages import DOWNLOAD, ENTERPRISE
from tests.vm.standin.product import PRODUCTS

pytestmark = pytest.mark.root

_GET = """
import http.client, ssl, sys
scheme, host, path = sys.argv[1:]
made = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}[scheme]
context = {"context": ssl._create_unverified_context()} if scheme == "https" else {}
connection = made("127.0.0.1", timeout=20, **context)
connection.request("GET", path, headers={"Host": host})
answer = connection.getresponse()
print(answer.status, answer.read().decode() if answer.status == 200 else "")
"""

_ASK = """
import socket, sys
name = b"".join(bytes([len(part)]) + part.encode() for part in sys.argv[1].split("."))
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.settimeout(20)
asker.sendto(b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + name + b"\\0\\0\\1\\0\\1", (sys.argv[2], 53))
print(socket.inet_ntoa(asker.recv(512)[-4:]))
"""


@pytest.fixture
def internet(tmp_path: Path) -> StandIn:
    """Two hosts with a file each, and the enterprise one."""
    for host in (DOWNLOAD, "other.example"):
        (tmp_path / "mirror" / host).mkdir(parents=True)
        (tmp_path / "mirror" / host / "file").write_text(f"of {host}")
    make_certificate(tmp_path)
    return StandIn(
        product=PRODUCTS["bookworm"],
        iso=tmp_path / "none.iso",
        mirror=tmp_path / "mirror",
        certificate=tmp_path / "enterprise.crt",
        key=tmp_path / "enterprise.key",
        kernels=("1", "2"),
    )


@pytest.fixture
def network(internet: StandIn, tmp_path: Path) -> Iterator[Lan]:
    """The LAN with these."""
    with lan(internet, tmp_path) as made:
        yield made


def inside(network: Lan, program: str, *arguments: str) -> str:
    """What a Python program prints in the LAN."""
    return run([*network.prefix, sys.executable, "-c", program, *arguments]).stdout.strip()


def test_hosts(network: Lan) -> None:
    assert inside(network, _GET, "http", DOWNLOAD, "/file") == f"200 of {DOWNLOAD}"
    assert inside(network, _GET, "http", "other.example:80", "/file") == "200 of other.example"
    assert inside(network, _GET, "http", "unknown.example", "/file") == "404"
    assert inside(network, _GET, "http", DOWNLOAD, "/../other.example/file") == "404"
    assert inside(network, _GET, "https", ENTERPRISE, "/debian/pve/dists/bookworm/InRelease") == "401"
    assert "GET /file" in network.requests()


def test_names(network: Lan) -> None:
    for name in (DOWNLOAD, ENTERPRISE):
        assert inside(network, _ASK, name, GATEWAY) == GATEWAY


def test_an_interruption_is_no_fault_of_the_servers(network: Lan) -> None:
    """Ctrl-C at the demonstration reaches them, too."""
    [server] = run(["pgrep", "-P", str(os.getpid()), "-f", "tests[.]vm[.]web"]).stdout.split()
    os.kill(int(server), signal.SIGINT)
    wait_for("end of the web server", lambda: os.waitid(os.P_PID, int(server), os.WEXITED | os.WNOWAIT))
    assert "Traceback" not in network.requests()


def test_it_is_apart_from_this_machine(network: Lan) -> None:
    assert "tap-pve1" in network.add("pve1")
    links = run([*network.prefix, "ip", "-br", "link"]).stdout
    assert {line.split()[0] for line in links.splitlines()} == {"lo", "lan", "tap-pve1"}
    assert "tap-pve1" not in {name for _, name in socket.if_nameindex()}


def test_what_runs_in_it_ends_with_it(internet: StandIn, tmp_path: Path) -> None:
    with lan(internet, tmp_path) as made:
        sleeper = subprocess.Popen([*made.prefix, "sleep", "600"])
        namespace = Path(f"/proc/{made.pid}/ns/net").readlink()
        wait_for("program in the LAN", lambda: Path(f"/proc/{sleeper.pid}/ns/net").readlink() == namespace)
    assert sleeper.wait(timeout=20) == -9
