"""Virtual machines: QEMU, its monitor, and consoles driven by pexpect."""
