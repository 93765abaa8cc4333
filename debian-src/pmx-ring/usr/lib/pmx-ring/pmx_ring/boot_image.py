"""The initramfs, which names interfaces before the root file system is there."""

from pmx_ring.changes import Change, Changes, Context
from pmx_ring.dpkg import dpkg_lock_holder, wait_for_dpkg
from pmx_ring.facts import Facts
from pmx_ring.problems import RingError
from pmx_ring.programs import is_installed, output_of
from pmx_ring.system import System, digest

_LINKS = ("/usr/lib/systemd/network", "00-pmx-ring-*.link")
_MODPROBE = ("/usr/lib/modprobe.d", "pmx-ring.conf")
_NOTHING = ""
_TIMEOUT_SECONDS = 1800


def files_digest(system: System) -> str:
    """Digest of the names and contents that belong into the initramfs; empty where there are none."""
    files = [path for place in (_LINKS, _MODPROBE) for path in system.glob(*place)]
    return digest(*(f"{path.name}\n{path.read_text('utf-8')}" for path in files)) if files else _NOTHING


def boot_image_changes(context: Context, _facts: Facts | None) -> Changes:
    """Refresh the initramfs of every kernel when the files that it holds changed.

    Of every kernel: an older one that is booted must give the same names.
    """
    present = files_digest(context.system)
    if present != context.state.boot_image and is_installed("update-initramfs"):
        yield Change("refresh the initramfs of every kernel", lambda: _refresh(context, present))


def _refresh(context: Context, present: str) -> None:
    if context.under_dpkg:
        _update()
    else:
        _update_beside_no_dpkg(context.system)
    context.state.save(boot_image=present)


def _update() -> None:
    output_of("update-initramfs", "-u", "-k", "all", timeout_seconds=_TIMEOUT_SECONDS)


def _update_beside_no_dpkg(system: System) -> None:
    # update-initramfs locks nothing: that of a kernel's package would write the same file at the same time
    while True:
        wait_for_dpkg(system)
        try:
            _update()
        except RingError:
            if not dpkg_lock_holder(system):
                raise
        else:
            if not dpkg_lock_holder(system):
                return
