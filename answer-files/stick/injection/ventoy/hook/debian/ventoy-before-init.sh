#!/bin/sh
# Ventoy calls this in its normal mode and in its GRUB2 mode, right before the init of the initial RAM disk
# (ventoy_chain.sh, ventoy_loop.sh).
exec /ventoy/busybox/sh /pmx-answer/patch-init.sh
