"""The network files of the installed system."""

from collections.abc import Iterable
from ipaddress import ip_interface

_HOSTS = """\
127.0.0.1 localhost.localdomain localhost
{address} {fqdn} {host}

# The following lines are desirable for IPv6 capable hosts

::1     ip6-localhost ip6-loopback
fe00::0 ip6-localnet
ff00::0 ip6-mcastprefix
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
ff02::3 ip6-allhosts
"""


def interfaces(nic: str, others: Iterable[str], cidr: str, gateway: str) -> str:
    """/etc/network/interfaces: a bridge over `nic`, and a bare stanza for each of the `others`."""
    family = "inet6" if ip_interface(cidr).version == 6 else "inet"
    bridge = (
        f"auto vmbr0\niface vmbr0 {family} static\n\taddress {cidr}\n\tgateway {gateway}\n"
        f"\tbridge-ports {nic}\n\tbridge-stp off\n\tbridge-fd 0\n"
    )
    stanzas = [
        "auto lo\niface lo inet loopback\n",
        f"iface {nic} inet manual\n",
        bridge,
        *(f"iface {name} inet manual\n" for name in others),
        "\nsource /etc/network/interfaces.d/*\n",
    ]
    return "\n".join(stanzas)


def hosts(cidr: str, fqdn: str) -> str:
    """/etc/hosts with the management address."""
    return _HOSTS.format(address=ip_interface(cidr).ip, fqdn=fqdn, host=fqdn.partition(".")[0])


def resolv_conf(fqdn: str, dns: str) -> str:
    """/etc/resolv.conf."""
    return f"search {fqdn.partition('.')[2]}\nnameserver {dns}\n"
