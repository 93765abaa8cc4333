"""Faults at first boot, on real Debian systems: after each, one more boot ends as an undisturbed run.

A fault is what happens during a run of the hook or several; a boot is a run in a chroot, where a power cut is
the end of all processes. A disturbed boot that was not killed ends finished, or it names step, command and
remedy. `python -m tests.firstboot.faults [COUNT [SEED]]` tries COUNT faults (100), on the releases in turn,
SIGKILL at moments that SEED decides among them, and prints how many of each kind it tried.
"""
