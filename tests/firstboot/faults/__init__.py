"""Faults at first boot, on real Debian systems: after each, one more boot ends as an undisturbed run.

A fault is what happens during one run of the hook; a boot is a run in a chroot, where a power cut is the end
of all processes. `python -m tests.firstboot.faults [COUNT [SEED]]` tries COUNT faults (100), on the releases
in turn, power cuts at moments that SEED decides among them, and prints how many it tried.
"""
