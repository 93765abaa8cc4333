#!/bin/bash
# The first process of the live installer: prepares the system, has the installer run, and ends the machine.
# Whatever fails here leaves a shell behind, and the disks as they are.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root PYTHONPATH=/usr/lib/standin PYTHONDONTWRITEBYTECODE=1

shell() {
    trap - ERR
    echo
    if [ -e /run/reboot-on-error ]; then
        echo "Installation aborted - rebooting"
        reboot -f
    fi
    echo "Installation aborted - unable to continue (type exit or CTRL-D to reboot)"
    setsid -c -w bash --norc
    reboot -f
}
trap shell ERR

mount -t devpts devpts /dev/pts -o mode=0620,gid=5 2>/dev/null || { mkdir -p /dev/pts && mount -t devpts devpts /dev/pts; }
mount -t tmpfs tmpfs /dev/shm 2>/dev/null || { mkdir -p /dev/shm && mount -t tmpfs tmpfs /dev/shm; }
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mkdir -p /run/lock /run/lvm /run/udev
if [ -d /sys/firmware/efi ]; then
    modprobe -q efivarfs || true
    mount -t efivarfs efivarfs /sys/firmware/efi/efivars || true
fi
hostname proxmox
ip link set lo up

# QEMU has no Thunderbolt: NICs behind its hot-plugged ports get the names that the kernel gives to Thunderbolt's
for port in 0 1; do
    printf '[Match]\nPath=pci-0000:0%d:00.0\n[Link]\nName=thunderbolt%d\n' $((port + 1)) "$port" \
        >"/etc/systemd/network/10-thunderbolt$port.link"
done
/lib/systemd/systemd-udevd --daemon
udevadm trigger --type=subsystems --action=add
udevadm trigger --type=devices --action=add
udevadm settle --timeout=60

automatic=
read -ra words </proc/cmdline
for word in "${words[@]}"; do
    case $word in
        proxauto | proxmox-start-auto-installer) automatic=${automatic:-yes} ;;
        proxtui | proxmox-tui-mode) automatic=no ;; # wins
        proxdebug | proxmox-debug) setsid -c -w bash --norc ;;
    esac
done

if [ "$automatic" != yes ]; then
    echo "This stand-in has no dialogue."
    false
fi

# an answer may come from a DHCP server; without one, and without a cable, the installation goes on
echo "Attempting to get DHCP leases..."
for nic in /sys/class/net/e*; do
    ip link set "${nic##*/}" up
    busybox udhcpc -i "${nic##*/}" -s /bin/true -n -q -t 2 -T 1 2>&1 || true
done

echo "Starting automatic installation"
python3 -m installer fetch >/run/automatic-installer-answers
python3 -m installer install </run/automatic-installer-answers

echo "Installation done"
sync
umount -R /target 2>/dev/null || true
vgchange --activate n --quiet >/dev/null 2>&1 || true
sync
case $(cat /run/reboot-mode) in
    power-off) echo "Powering off ..."; poweroff -f ;;
    *) echo "Rebooting ..."; reboot -f ;;
esac
sleep infinity
