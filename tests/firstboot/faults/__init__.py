"""Faults at first boot, on real Debian systems that systemd boots: each ends as an undisturbed run.

A node is booted by systemd-nspawn, and its systemd starts first boot as Proxmox VE's does. A fault lasts
until first boot has ended, its own reboot included, or until a power cut: all processes end at once, and what
was not yet written to the disk, an ext4 file system, is lost. A disturbed boot that was not cut ends
finished, or it names step, command and remedy. `python -m tests.firstboot.faults [COUNT [SEED]]` tries COUNT
faults (100), on the releases in turn, power cuts at moments that SEED decides among them, and prints how many
of each kind it tried.
"""
