"""Faults at first boot, on real Debian systems: after each, one more boot ends in the tree of an undisturbed run.

A fault is what happens during one run of the hook; a boot is a run in a chroot, where a power cut is the end of
all processes. `python -m tests.firstboot.faults [COUNT]` tries the catalogue and as many power cuts at random
moments as make COUNT faults (100), on each release in turn, and prints how many it tried.
"""
