"""Whether this machine can run guests at full speed, found out by booting one."""

import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path

from pmx_cluster_tb import process
from pmx_cluster_tb.machines.failure import Deadline, MachineFailed, wait_until

_DEADLINE = timedelta(seconds=10)
# page tables of five levels are one more to walk, which an emulated processor feels
_EMULATED = ("-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max,la57=off")
_ACCELERATORS = ("kvm", "hvf")

_EXIT_STATUS = 99
"""(0x31 << 1) | 1: isa-debug-exit makes it of what the guest writes."""

# A boot sector that goes from real mode with page tables at 0x1000 to long mode, counts 2^28 down, and writes
# 0x31 to port 0xf4. A device node or a boot in real mode proves nothing: some hosts hang guests later.
#   cli; ds = es = 0; edi = cr3 = 0x1000; clear 12 KiB; PML4[0] = 0x2003; PDPT[0] = 0x3003; PD[0] = 0x83
#   cr4.PAE; EFER.LME; lgdt; cr0.PG|PE; ljmp 8:long
#   long: ecx = 1 << 28; 1: dec ecx; jnz 1b; dx = 0xf4; al = 0x31; out; 2: hlt; jmp 2b; GDT
_CODE = bytes.fromhex(
    "fa31c08ed88ec066bf001000000f22df6631c066b9000c0000fc66f3ab66c70600100320000066c70600200330000066c7060030"
    "8300000066b8200000000f22e066b9800000c00f32660d000100000f300f01168a7c0f20c0660d010000800f22c0ea677c0800b9"
    "00000010ffc975fc66baf400b031eef4ebfd000000000000000000000000009a20000f007a7c0000"
)
_SECTOR = _CODE.ljust(510, b"\0") + b"\x55\xaa"


@cache
def acceleration() -> tuple[str, ...]:
    """QEMU's options for the fastest way in which guests run here."""
    for accelerator in _ACCELERATORS:
        options = ("-accel", accelerator, "-cpu", "host")
        if boots(options):
            return options
    return _EMULATED


def is_emulated() -> bool:
    """Whether guests run some ten times as slow as this machine."""
    return acceleration() == _EMULATED


def boots(options: tuple[str, ...], deadline: timedelta = _DEADLINE) -> bool:
    """Whether a guest reaches 64-bit code under QEMU with `options`, and soon."""
    with tempfile.NamedTemporaryFile(prefix="pmx-boot-") as disk:
        # SeaBIOS takes no disk of one sector
        Path(disk.name).write_bytes(_SECTOR.ljust(1 << 20, b"\0"))
        guest = process.start(
            [
                *("qemu-system-x86_64", *options, "-machine", "q35", "-nodefaults", "-display", "none"),
                *("-device", "isa-debug-exit,iobase=0xf4,iosize=0x1"),
                *("-drive", f"if=none,id=disk,format=raw,snapshot=on,file={disk.name}"),
                *("-device", "ide-hd,drive=disk"),
            ]
        )
        try:
            return (
                wait_until("end of a guest", guest.poll, Deadline(deadline), until=_has_ended) == _EXIT_STATUS
            )
        except MachineFailed:
            return False
        finally:
            guest.kill()
            guest.wait()


def _has_ended(status: int | None) -> bool:
    return status is not None
