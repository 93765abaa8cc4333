#!/bin/sh
# Ventoy calls this in its normal mode, before the init of the initial RAM disk (ventoy_chain.sh).
exec /ventoy/busybox/sh /pmx-answer/patch-init.sh
