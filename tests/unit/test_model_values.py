"""What values of each kind are taken, and as what. What is refused, with its words: tests/errors."""

import json
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pmx_cluster_tb.model import addresses, credentials, hardware, names, serials, ssh_keys, timezones
from pmx_cluster_tb.model.cluster import PasswordHash, ProxmoxVersion
from pmx_cluster_tb.model.kinds import Kind
from pmx_cluster_tb.model.report import Report
from pmx_cluster_tb.model.versions import PROXMOX_VERSION
from pmx_cluster_tb.model.words import words
from tests.clusters import HASH, by_serial

SSH_KEYS = [path.read_text().strip() for path in (Path(__file__).parent / "ssh-keys").iterdir()]
CERTIFICATE = next(
    line.strip().strip("',")
    for line in (Path(__file__).parents[1] / "errors/root-ssh-keys-options.toml").read_text().splitlines()
    if "'ssh-ed25519-cert-v01@" in line
)
KEY_OPTIONS = (
    "no-pty",
    "restrict,pty",
    "cert-authority",
    "no-X11-forwarding,No-Agent-Forwarding",
    'from="192.168.178.0/24,!192.168.178.9",no-port-forwarding',
    r'command="echo \"a b\" # ssh-rsa AAAA",environment="A=b c"',
    r'command="a\\b \\\" c"',
    'expiry-time="20301231",permitopen="host:22",principals="a,b",tunnel="0"',
)
BCRYPT = "$2b$12$" + "a" * 53
YESCRYPT = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"
HASHES = [
    "$2y$" + BCRYPT.removeprefix("$2b$"),
    "$2a$" + BCRYPT.removeprefix("$2b$"),
    "$g" + YESCRYPT.removeprefix("$"),
    "$gy$j9T$abcdefgh$SpxTDaYvonyMgE6IJ3cv.RPHd83UtMzLfbmyATrV9.2",
    "$7$CU..../....SaltSalt$SVXyuJUSvKImd8iPE2VfAqtu2f13pwaKqUfHWZ4C7p.",
]
SHA256 = "$5$rounds=10000$saltstring$" + "a" * 43

TAKEN: list[tuple[Kind[Any], str, object]] = [
    *((names.CLUSTER_NAME, name, name) for name in ("a", "pvc1", "Lab-2", "a23456789012345")),
    *((names.DOMAIN, name, name) for name in ("local", "fritz.box", "home.arpa", "a-b.3.example")),
    *((names.NODE_NAME, name, name) for name in ("a", "pve1", "1a", "pve-01", "a" * 63)),
    *((names.COUNTRY, name, name) for name in ("nl", "gb", "zw")),
    *((names.KEYBOARD, name, name) for name in words("keyboards")),
    *((timezones.TIMEZONE, name, name) for name in ("UTC", "Europe/Kyiv", "America/Argentina/Ushuaia")),
    *((names.MAILBOX, name, name) for name in ("a@b", "root@pve1", "o'neil+pve@mail.example.org")),
    *((PROXMOX_VERSION, str(version), version) for version in ProxmoxVersion),
    *((names.USER_NAME, name, name) for name in ("pieter", "p", "a_b-9", "a" * 32)),
    *((names.FULL_NAME, name, name) for name in ("", "Pieter van N.", "Zoë (lab)")),
    *((names.PACKAGE_NAME, name, name) for name in ("iperf3", "g++", "libc6-dev", "python3.11", "7zip")),
    *((names.FILE_NAME, name, name) for name in ("root.hash", "../keys/a b.asc", "/etc/x")),
    (addresses.ADDRESS, "192.168.178.1", ip_address("192.168.178.1")),
    (addresses.ADDRESS, "fd00::1", ip_address("fd00::1")),
    (addresses.ADDRESS, "2001:4860:4860::8888", ip_address("2001:4860:4860::8888")),
    (addresses.INTERFACE, "192.168.178.11/24", ip_interface("192.168.178.11/24")),
    (addresses.INTERFACE, "fd00::11/64", ip_interface("fd00::11/64")),
    (addresses.IPV4_NETWORK, "10.0.0.80/28", ip_network("10.0.0.80/28")),
    (addresses.IPV4_NETWORK, "none", "none"),
    (addresses.IPV6_NETWORK, "fd00::80/124", ip_network("fd00::80/124")),
    (addresses.IPV6_NETWORK, "2001:db8::/64", ip_network("2001:db8::/64")),
    (addresses.IPV6_NETWORK, "none", "none"),
    (addresses.MAC, "58:47:CA:00:00:1f", "58:47:ca:00:00:1f"),
    (addresses.MAC, "58-47-ca-00-00-1f", "58:47:ca:00:00:1f"),
    *(
        (addresses.MAC, text, "58:47:ca:00:00:1f")
        for text in ("5847ca00001f", "5847CA00001F", "5847.ca00.001f")
    ),
    (addresses.GATEWAY, "fe80::1", ip_address("fe80::1")),
    (addresses.GATEWAY, "192.168.178.1", ip_address("192.168.178.1")),
    *(
        (addresses.INTERFACE, text, ip_interface(text))
        for text in ("10.9.8.6/31", "10.9.8.7/31", "10.9.8.7/32")
    ),
    *(
        (addresses.INTERFACE, text, ip_interface(text))
        for text in ("fd00::/127", "fd00::1/127", "fd00::ffff/112")
    ),
    (addresses.MAC, "00:00:00:12:34:56", "00:00:00:12:34:56"),
    (addresses.MAC, "52:54:00:12:34:56", "52:54:00:12:34:56"),
    (addresses.URL, "http://192.168.178.5:8080/", "http://192.168.178.5:8080"),
    (addresses.URL, "https://apt.example.org/pve/lab", "https://apt.example.org/pve/lab"),
    (addresses.URL, "http://[fd00::5]:8080", "http://[fd00::5]:8080"),
    *((credentials.HASH, text, PasswordHash(text)) for text in (HASH, BCRYPT, YESCRYPT, SHA256, *HASHES)),
    *((ssh_keys.SSH_KEY, key, key) for key in SSH_KEYS),
    *((ssh_keys.SSH_KEY, key, key) for key in (f"{options} {SSH_KEYS[0]}" for options in KEY_OPTIONS)),
    (ssh_keys.SSH_KEY, CERTIFICATE, CERTIFICATE),
    (ssh_keys.SSH_KEY, f'from="10.0.0.0/8" {CERTIFICATE}', f'from="10.0.0.0/8" {CERTIFICATE}'),
    (ssh_keys.SSH_KEY, SSH_KEYS[0].rsplit(" ", 1)[0], SSH_KEYS[0].rsplit(" ", 1)[0]),
    *(
        (serials.DISK_SERIAL, text, by_serial(text))
        for text in ("S7KGNU0X000001", "WD-WCC4N1", "drive-scsi0", "5000c500a1b2c3d4")
    ),
    (hardware.DISK_MODEL, "Samsung SSD 990 PRO 2TB ", "Samsung SSD 990 PRO 2TB"),
    (hardware.DISK_MODEL, "CT1000P3SSD8", "CT1000P3SSD8"),
    *((hardware.DISK_PATH, text, text) for text in ("pci-0000:01:00.0-nvme-1", "pci-0000:00:17.0-ata-1.0")),
    *(
        (hardware.CONTROLLER_PATH, text, text)
        for text in (
            "pci-0000:ca:00.5",
            "pci-10000:01:00.0",
            "pci-0000:00:04.0-virtio",
            "virtio-pci-0000:00:04.0",
        )
    ),
    *((hardware.DRIVER, text, text) for text in ("thunderbolt-net", "virtio_net", "e1000")),
    *((hardware.PORT_NAME, text, text) for text in ("en05", "en1", "enring1", "entb0", "en1234567890123")),
    *((hardware.NIC_NAME, text, text) for text in ("enp3s0", "eno1", "eth0", "nic0", "enP2p1s0f1np1")),
]


@pytest.mark.parametrize(("kind", "raw", "value"), TAKEN)
def test_taken(kind: Kind[Any], raw: str, value: object) -> None:
    report = Report("cluster.toml", {("key",): 1})
    assert kind.read(raw, ("key",), report) == value
    assert report.problems == []


@pytest.mark.parametrize(("kind", "raw", "value"), TAKEN)
def test_the_schema_takes_what_the_model_takes(kind: Kind[Any], raw: str, value: object) -> None:
    del value
    schema = json.loads(json.dumps(kind.schema(lambda _: {})))
    jsonschema.Draft202012Validator(schema).validate(raw)


# of systemd.net-naming-scheme(7), one of each kind of bus
SYSTEMD_NAMES = [
    *(
        "enp3s0",
        "enp3s0f1np1",
        "enP2p1s0",
        "eno1",
        "eno2np0",
        "ens1",
        "ens1f0d1",
        "enx5847ca000011",
        "enxffffffffffff",
    ),
    *("enaapm1234i0", "enu1u1u1", "env2", "encf500", "enb1", "end0", "eni1np2", "enX0"),
]


@pytest.mark.parametrize("name", SYSTEMD_NAMES)
def test_names_of_systemd_are_refused(name: str) -> None:
    report = Report("cluster.toml", {})
    assert hardware.PORT_NAME.read(name, ("key",), report) is None
    (problem,) = report.problems
    assert "systemd itself" in problem.message


SECRETS = ["hunter2 is my password", HASH[:-3], HASH + "x", "$1$abc$" + "s" * 22, YESCRYPT + "\n", 7777777777]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("kind", [credentials.HASH, ssh_keys.SSH_KEY])
def test_secrets_are_never_shown(kind: Kind[Any], secret: str | int) -> None:
    report = Report("cluster.toml", {})
    assert kind.read(secret, ("key",), report) is None
    (problem,) = report.problems
    assert str(secret)[:12] not in repr(problem)


WRONG_PLACES = [
    *(
        (kind, text)
        for kind in (names.CLUSTER_NAME, names.FILE_NAME, addresses.MAC)
        for text in (HASH, YESCRYPT)
    ),
    (serials.DISK_SERIAL, BCRYPT),
    (addresses.URL, "http://me:hunter2@host/"),
    (names.DOMAIN, "http://me:hunter2@host/"),
    (addresses.URL, "http://me:pass/hunter2@host/"),
    (addresses.URL, "http://me:hunter2@hunter2@host/?"),
    (addresses.URL, "me:hunter2@host:8080"),
    (names.DOMAIN, "$sha1$40000$jtNX3nZ2$hunter2wBI2o5rsi8KejSjNqIq"),
]


@pytest.mark.parametrize(("kind", "secret"), WRONG_PLACES)
def test_secrets_in_the_wrong_place_are_not_shown_either(kind: Kind[Any], secret: str) -> None:
    report = Report("cluster.toml", {})
    assert kind.read(secret, ("key",), report) is None
    (problem,) = report.problems
    assert "hunter2" not in repr(problem)
    assert secret[4:20] not in repr(problem)


def test_a_password_hash_has_no_readable_form() -> None:
    assert HASH not in repr(PasswordHash(HASH))


def test_word_lists_are_whole() -> None:
    assert [len(words(name)) for name in ("countries", "keyboards", "timezones")] == [249, 25, 419]
    assert len(words("timezone-aliases")) == 152
