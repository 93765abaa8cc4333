"""Whole machines: unattended installations, first boots and the ring, in QEMU."""
