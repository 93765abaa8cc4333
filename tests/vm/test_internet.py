"""The machines' way out through QEMU, with an address that no DHCP server gave."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pmx_cluster_tb.machines.hardware import LanNic
from pmx_cluster_tb.machines.machine import Machine
from tests.machines.micro import micro_hardware
from tests.roots.commands import require
from tests.vm.cluster import lan_mac
from tests.vm.internet import internet
from tests.vm.lan import GATEWAY, PREFIX_LENGTH

pytestmark = [pytest.mark.vm, pytest.mark.root]


class _Greeting(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Says where the request seems to come from."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"hello {self.client_address[0]}\n".encode())


@contextmanager
def serving() -> Iterator[int]:
    """A web server on this machine's loopback; its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Greeting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_nodes_reach_what_this_machine_reaches(tmp_path: Path) -> None:
    require("qemu-system-x86_64")
    with internet() as network, serving() as port:
        nic = LanNic(mac=lan_mac("pve1"), backend=network.add("pve1"))
        hardware = replace(micro_hardware(tmp_path), nics=(nic,))
        with Machine("pve1", hardware, tmp_path, prefix=network.prefix) as machine:
            machine.start()
            machine.log_in(lasts=timedelta(minutes=3))
            machine.succeed(f"ip address add 192.168.77.11/{PREFIX_LENGTH} dev eth0 && ip link set eth0 up")
            machine.succeed(f"ip route add default via {GATEWAY} && ping -c 1 {GATEWAY}")
            assert machine.succeed(f"wget -q -O - http://{GATEWAY}:{port}/") == "hello 127.0.0.1\n"
            # the name server answers, and truly
            assert "can't find a.invalid" in machine.execute(f"nslookup a.invalid {network.dns}").output
