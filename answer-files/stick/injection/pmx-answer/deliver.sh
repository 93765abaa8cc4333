#!/bin/sh
# Puts the chosen answer where the installer looks for one: in a file system that is mounted on /mnt/answer of
# its root (proxmox-fetch-answer in mode `partition`). Not on a machine that the answer is not for.
PATH=/ventoy/busybox:$PATH
answer=/ventoy/autoinstall
target=/mnt/.installer-mp/mnt/answer

refuse() {
    echo
    echo "pmx-cluster-tb: REFUSED: $1"
    echo "pmx-cluster-tb: nothing is written to any disk. Switch the machine off."
    echo "The installer's shell follows in half a minute."
    # time to read it before the next lines come
    sleep 30
    exit 0
}

node=$(sed -n '1s/^# pmx-node: //p' "$answer")
mac=$(sed -n '2s/^# pmx-mac: //p' "$answer")
if [ -z "$node" ] || [ -z "$mac" ]; then
    refuse "the chosen file is no answer for a node"
fi
# the init may have let go of it already
[ -d /sys/class/net ] || mount -t sysfs sysfs /sys
if ! grep -q -i -x -F "$mac" /sys/class/net/*/address 2>/dev/null; then
    refuse "this machine is not node $node: none of its network cards is $mac"
fi

# a name that the installer does not read, until the copy is whole
if ! { mkdir -p "$target" &&
    mount -t tmpfs -o size=2m,mode=0700 pmx-answer "$target" &&
    cp "$answer" "$target/incomplete" &&
    mv "$target/incomplete" "$target/answer.toml"; }; then
    refuse "the answer of node $node cannot be put into the installer's root"
fi
echo "pmx-cluster-tb: this machine is node $node"
exit 0
