#!/bin/sh
# Has Proxmox's init deliver the answer right before it switches to the installer's root. Whatever is not as
# expected leaves the init alone: the installer then finds no answer, and stops before it writes anything.
PATH=/ventoy/busybox:$PATH
anchor='exec switch_root.*/mnt/\.installer-mp'

# both hooks call this in Ventoy's normal mode
if grep -q /pmx-answer/deliver.sh /init; then
    exit 0
elif ! [ -s /ventoy/autoinstall ]; then
    echo "pmx-cluster-tb: no node was chosen in Ventoy's menu"
elif [ "$(grep -c "$anchor" /init)" != 1 ]; then
    echo "pmx-cluster-tb: /init has no such line, or several: $anchor"
else
    sed "\\#$anchor#i\\
/ventoy/busybox/sh /pmx-answer/deliver.sh" /init >/pmx-answer/init &&
        cat /pmx-answer/init >/init
fi
exit 0
