"""TCP segmentation offload (TSO), which a port of the ring does without.

What a node forwards between two Thunderbolt ports arrives merged and leaves as one large segment as long as
TSO is on, and the flow falls to a fraction: on the long way round 0.24 MB/s in place of 380 were measured
(projectbluefin/lab, pull request 664 of 2026). GSO and GRO do no harm and stay as they are. The driver has
TSO on for each new interface, so it is switched off whenever a cable comes.
"""

import ctypes
import errno
import fcntl
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from pmx_ring.changes import Change, Changes, Context, Record
from pmx_ring.problems import RingError

# linux/sockios.h and linux/ethtool.h
_SIOCETHTOOL = 0x8946
_ETHTOOL_GTSO = 0x1E
_ETHTOOL_STSO = 0x1F
_ETHTOOL_VALUE = struct.Struct("=II")
# struct ifreq: the name, then a union of 24 bytes, here a pointer
_IFREQ = struct.Struct("16sP16x")


def ethtool_value(name: str, command: int, value: int = 0) -> int:
    """Ask the interface for a value of ethtool, or give it one. Raises OSError."""
    asked = ctypes.create_string_buffer(_ETHTOOL_VALUE.pack(command, value), _ETHTOOL_VALUE.size)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCETHTOOL, _IFREQ.pack(name.encode(), ctypes.addressof(asked)))
    return int(_ETHTOOL_VALUE.unpack(asked.raw)[1])


def tso(name: str) -> bool | None:
    """Whether the interface segments TCP itself; None where there is no such interface."""
    on = _done_to(name, _ETHTOOL_GTSO)
    return None if on is None else bool(on)


def without_tso(name: str, present_name: str = "") -> Iterator[Change]:
    """Leave TCP segmentation to the kernel; a dry run has not renamed the interface yet."""
    on = tso(name)
    if on or (on is None and present_name and tso(present_name)):
        yield Change(f"switch off TSO of `{name}`", partial(_done_to, name, _ETHTOOL_STSO, 0))


def offload_changes(context: Context, names: Iterable[str], present_names: Mapping[str, str]) -> Changes:
    """Switch TSO off for the ports `names` that are present, and on again for what is no port any more."""
    state, wanted = context.state, sorted(names)
    if not set(wanted) <= set(state.without_tso):
        # remembered first, so that an apply that ends here can be taken back
        yield Record(partial(state.save, without_tso=sorted({*state.without_tso, *wanted})))
    for name, present_name in sorted(present_names.items()):
        yield from without_tso(name, present_name)
    for name in state.without_tso:
        if name not in wanted and tso(name) is False:
            yield Change(f"switch on TSO of `{name}`", partial(_switch_on, name))
    if state.without_tso != wanted:
        yield Record(partial(state.save, without_tso=wanted))


def _switch_on(name: str) -> None:
    try:
        ethtool_value(name, _ETHTOOL_STSO, 1)
    except OSError as error:
        # a driver that has no TSO was without it before, too
        if error.errno not in {errno.ENODEV, errno.EOPNOTSUPP}:
            raise RingError(f"TSO of `{name}` cannot be switched on: {error.strerror}") from None


def _done_to(name: str, command: int, value: int = 0) -> int | None:
    """What ethtool answers; nothing if there is no such interface, any more perhaps."""
    try:
        return ethtool_value(name, command, value)
    except OSError as error:
        if error.errno == errno.ENODEV:
            return None
        raise RingError(f"TSO of `{name}` cannot be read or switched: {error.strerror}") from None
