"""What an installer says on the serial line: the stand-in, and a genuine one by its source.

The initrd of a genuine ISO runs the installer on the last `console=tty...` of the kernel line, so one that is
started with `console=ttyS0` says on the serial line what else is on the screen. The words are in the public
pve-installer source, the same from 8.4.6 to 9.2.7: `unconfigured.sh`, proxmox-fetch-answer,
proxmox-auto-installer, and Proxmox/Install.pm for the stages.
"""

from dataclasses import dataclass

ABORTED = "Installation aborted - unable to continue"
"""Before the shell that is left behind, of either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Patterns. `ends` is the end of an installation, and its group why it is not a good one.

    `disk` has the chosen device as its group. With `may_be_silent` a power-off alone tells that it is done.
    `no_lease` comes when no DHCP server has answered.
    """

    ends: str
    may_be_silent: bool
    no_lease: str
    partitions: str
    base: str
    boot_loader: str
    disk: str
    no_nic: str
    no_disk: str
    no_label: str
    no_answer: str


STAND_IN = Words(
    ends=r"Powering off \.\.\.|(Installation (?:refused|failed): [^\r\n]*(?=[\r\n])|Rebooting \.\.\.)",
    may_be_silent=False,
    no_lease="udhcpc: no lease, failing",
    partitions="making partitions and volumes",
    base="extracting the base system",
    boot_loader="installing the boot loader",
    disk=r"disk (/dev/\w+), network interface",
    no_nic="Installation refused: no network interface found that matches",
    no_disk="Installation refused: no disk found that matches",
    no_label="Installation refused: no partition labelled PMX-",
    no_answer="Installation refused: no answer: ",
)

_NO_DEVICE = "ERROR: Installation failed: filter did not match any device"
GENUINE = Words(
    # the reasons come before the abortion, and messages show the last lines
    ends=r"Installation done, powering off|([^\r\n]*unable to continue|Installation done, rebooting)",
    may_be_silent=True,
    no_lease="No DHCPOFFERS received",
    partitions="create partitions",
    base="extracting base system",
    boot_loader="make system bootable",
    disk=r"Selected disk: (/dev/\w+)\s",
    # NICs are looked at first, and both are told in the same words
    no_nic=rf"Setting up network configuration\s+{_NO_DEVICE}",
    no_disk=rf"Network interface used is[\s\S]{{0,400}}{_NO_DEVICE}",
    no_label="Could not find partition for label 'PMX-",
    no_answer="Could not find any answer file",
)
