#!/bin/sh
# Called by mmdebstrap with the folder of the new system. Fetches the packages that the medium and the mirror
# hold into $STOCK/kernels and $STOCK/mirror, while apt has its lists.
set -eu
root=$1

# two that are next to each other may share a grave bug, or differ by nothing but its mending
oldest_and_newest() {
    chroot "$root" apt-cache search --names-only "$KERNELS" | cut -d" " -f1 | sort -V | sed -n '1p;$p'
}

fetched() {
    mkdir -p "$STOCK/$1"
    mv "$root"/var/cache/apt/archives/*.deb "$STOCK/$1"
}

rm -f "$root"/var/cache/apt/archives/*.deb
# shellcheck disable=SC2046 # one word for each
chroot "$root" sh -c 'cd /var/cache/apt/archives && apt-get -q download "$@"' sh busybox-static $(oldest_and_newest)
fetched kernels
mkdir "$STOCK/busybox"
dpkg-deb --extract "$STOCK"/kernels/busybox-static_*.deb "$STOCK/busybox"
rm "$STOCK"/kernels/busybox-static_*.deb
# shellcheck disable=SC2086 # one word for each
chroot "$root" apt-get -y -q --no-install-recommends --download-only install $LATER
fetched mirror
# an emulated processor takes long to collect and to compress modules
printf 'MODULES=list\nCOMPRESS=gzip\nCOMPRESSLEVEL=1\n' >"$root/etc/initramfs-tools/conf.d/standin"
printf '%s\n' nvme ahci sd_mod usb_storage uas xhci_pci ext4 dm_mod dm_thin_pool >>"$root/etc/initramfs-tools/modules"
# a device that udev has not told of after 90 s is given up, and with it the file systems or the console on it: an
# emulated processor that has to share takes longer
mkdir -p "$root/etc/systemd/system.conf.d"
printf '[Manager]\nDefaultDeviceTimeoutSec=15min\n' >"$root/etc/systemd/system.conf.d/standin.conf"
# Debian 13 hides the locks of LVM by mounting /run/lock in the middle of it: a slow machine loses that race. And LVM
# waits 10 s for a daemon to start, which is there at the second time, or at a later one where processors are shared.
mkdir -p "$root/etc/systemd/system/lvm2-monitor.service.d"
monitor='/sbin/lvm vgchange --monitor y'
tries="$monitor || $monitor || $monitor || $monitor || $monitor || $monitor"
printf '[Unit]\nAfter=run-lock.mount\n[Service]\nExecStart=\nExecStart=/bin/sh -c "%s"\n' "$tries" \
    >"$root/etc/systemd/system/lvm2-monitor.service.d/standin.conf"
# Proxmox's ifupdown2 waits for udev and for the root file system (its ifupdown2-pre.service); Debian's loses that race
mkdir -p "$root/etc/systemd/system/networking.service.d"
printf '[Unit]\nAfter=local-fs.target network-pre.target\n[Service]\nExecStartPre=/bin/udevadm settle\n' \
    >"$root/etc/systemd/system/networking.service.d/standin.conf"
# GRUB's menu is made by so many programs, too
chmod -x "$root"/etc/grub.d/[0-9]*
cp "$HERE/menu" "$root/etc/grub.d/10_standin"
printf 'GRUB_TIMEOUT=1\n' >"$root/etc/default/grub.d/standin.cfg"
# at each boot it asks every volume whether it is a snapshot of e2scrub, by a dozen programs
rm "$root/etc/systemd/system/multi-user.target.wants/e2scrub_reap.service"
chroot "$root" dpkg-divert --quiet --rename --add /usr/sbin/mkinitramfs
cp "$HERE/mkinitramfs" "$root/usr/sbin/mkinitramfs"
# usrmerge brings all of Perl, and has nothing to do where usr-is-merged is; the library stays, for frr needs it
# shellcheck disable=SC2016 # dpkg's own placeholder
needless=$(chroot "$root" dpkg-query --show --showformat '${Package}\n' |
    grep -Ex 'usrmerge|perl|lib.*-perl' || true)
# shellcheck disable=SC2086 # one word for each
[ -z "$needless" ] || chroot "$root" dpkg --purge $needless
echo debian >"$root/etc/hostname"
rm -f "$root/etc/resolv.conf" "$root/etc/apt/apt.conf.d/99mmdebstrap"
