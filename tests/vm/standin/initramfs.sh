#!/bin/sh
# In namespaces of its own: makes the initramfs that initramfs-tools makes in the base system $1 for the unpacked
# kernel $2 of version $5, and copies it into the folder $4. $3 is an empty folder to work in.
set -eu
base=$1 kernel=$2 work=$3 target=$4 version=$5
root=$work/root
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/work" "$root"
mount -t overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/work" overlay "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mkdir -p "$root/usr/lib/modules" "$root/boot"
cp -r "$kernel/lib/modules/$version" "$root/usr/lib/modules"
cp "$kernel"/boot/* "$root/boot"
chroot "$root" mkinitramfs.distrib -o "/boot/initrd.img-$version" "$version"
cp "$root/boot/initrd.img-$version" "$target"
