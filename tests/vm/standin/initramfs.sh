#!/bin/sh
# In namespaces of its own: makes the initramfs that the base system $1 makes for the kernel package $2, and
# copies it to boot/ in the folder $4. $3 is an empty folder to work in.
set -eu
base=$1 package=$2 work=$3 target=$4
root=$work/root
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/work" "$root"
mount -t overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/work" overlay "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind /dev "$root/dev"
cp "$package" "$root/tmp/kernel.deb"
chroot "$root" dpkg --force-depends --unpack /tmp/kernel.deb
chroot "$root" update-initramfs -c -k all
mkdir "$target/boot"
cp "$root"/boot/initrd.img-* "$target/boot"
