"""`python -m tests.vm.web MIRROR CERTIFICATE KEY`: the web servers of the machines' LAN.

By http each folder of MIRROR is the host of its name; by https everything is the enterprise host, which knows
nobody here.
"""

import contextlib
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Mirror(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    mirror: Path

    def translate_path(self, path: str) -> str:
        """The file that `path` is on the host that was asked."""
        host = (self.headers["Host"] or "unknown").partition(":")[0]
        self.directory = str(self.mirror / Path(host).name)
        return super().translate_path(path)


class _Enterprise(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """No subscription."""
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Binds without asking a name server for this machine's name."""
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "lan", self.server_address[1]


def main() -> None:
    """Serves until it is killed, or interrupted with the story that it serves."""
    mirror, certificate, key = sys.argv[1:]
    _Mirror.mirror = Path(mirror)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    plain = _Server(("", 80), _Mirror)
    enterprise = _Server(("", 443), _Enterprise)
    enterprise.socket = context.wrap_socket(
        enterprise.socket, server_side=True, do_handshake_on_connect=False
    )
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        enterprise.serve_forever()


if __name__ == "__main__":
    main()
