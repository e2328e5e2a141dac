# What the tests in a qemu guest share: Debian's stock kernel, unpacked and not installed, and this machine's root, seen read-only (9p)
# below a tmpfs; nothing is left behind. To be sourced, with $root and $build set.

# guest_prepare: finds or fetches the kernel; sets place (a directory that goes when the script ends), cache, package, kernel, modules.
guest_prepare() {
  place=$(mktemp -d "$build/guest-XXXXXX")
  trap 'rm -rf "$place"' EXIT
  cache=$build/guest-kernel
  package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-/{print $2; exit}')
  [ -n "$package" ] || { echo "error: apt knows no linux-image-amd64; run apt-get update" >&2; exit 1; }
  if [ ! -d "$cache/$package/boot" ]; then
    (cd "$place" && apt-get download -q "$package" >/dev/null 2>&1 && mkdir -p "$cache" && dpkg -x "$package"_*.deb "$cache/$package.new")
    depmod -b "$cache/$package.new" "$(ls "$cache/$package.new/lib/modules")"
    mv "$cache/$package.new" "$cache/$package"
  fi
  kernel=$(ls "$cache/$package/lib/modules")
  modules=$cache/$package/lib/modules/$kernel
}

# guest_initrd: an initramfs that only finds the root, and runs $place/run there.
guest_initrd() {
  local m ko n=0
  mkdir -p "$place/initrd"/{bin,proc,sys,dev,lower,upper,new}
  cp "$(command -v busybox)" "$place/initrd/bin/busybox"
  for m in virtio_pci 9pnet_virtio 9p overlay; do
    modprobe -d "$cache/$package" -S "$kernel" --show-depends "$m" | awk '$1 == "insmod" {print $2}'
  done | awk '!seen[$0]++' >"$place/order"
  while read -r ko; do
    n=$((n + 1))
    cp "$ko" "$place/initrd/$(printf '%02d' $n).ko"
  done <"$place/order"
  cat >"$place/initrd/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc p /proc; $b mount -t sysfs s /sys; $b mount -t devtmpfs d /dev
for m in /*.ko; do $b insmod $m; done
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=524288 host /lower || $b poweroff -f
$b mount -t tmpfs -o size=3g u /upper; $b mkdir /upper/up /upper/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/up,workdir=/upper/work o /new || $b poweroff -f
$b mkdir /whole && $b mount -o bind /new /whole
for d in proc sys dev run tmp var/tmp; do $b mkdir -p /new/$d; done
$b mount -t proc p /new/proc; $b mount -t sysfs s /new/sys; $b mount -t devtmpfs d /new/dev
$b mkdir -p /new/dev/pts /new/dev/shm; $b mount -t devpts p /new/dev/pts; $b mount -t tmpfs s /new/dev/shm
for d in run tmp var/tmp; do $b mount -t tmpfs t /new/$d; done
$b mount -t cgroup2 c /new/sys/fs/cgroup
for p in $($b cat /proc/cmdline); do case $p in skerry.*) eval "${p#skerry.}";; esac; done
# A tree that stands in one of the folders that the guest has for itself is there all the same.
for d in $tree $build; do
  case $d in /run/* | /tmp/* | /var/tmp/*) $b mkdir -p /new$d; $b mount -o bind /whole$d /new$d ;; esac
done
$b mkdir -p /new/lib/modules/$kernel; $b mount -o bind /new$modules /new/lib/modules/$kernel
$b ln -sf /proc/self/fd /new/dev/fd
# Not a chroot: who enters a container's mount namespace later would find itself in the initramfs.
exec $b switch_root /new /bin/bash $script
INIT
  chmod +x "$place/initrd/init"
  (cd "$place/initrd" && find . | cpio -o -H newc --quiet | gzip -1) >"$place/initrd.gz"
}

# guest_run SECONDS MEMORY CPUS: runs the guest, showing what it says; it stands in $place/log, too. Emulated: what /dev/kvm there is may
# not boot a stock kernel.
guest_run() {
  timeout --kill-after=10 "$1" qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max -smp "$3" -m "$2" -nographic -no-reboot \
    -nic none -kernel "$cache/$package/boot/vmlinuz-$kernel" -initrd "$place/initrd.gz" \
    -virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap" \
    -append "console=ttyS0 quiet panic=-1 skerry.kernel=$kernel skerry.modules=$modules skerry.script=$place/run skerry.tree=$root skerry.build=$build" </dev/null | tee "$place/log"
}

# guest_count TEST: counts what a Boost.Test binary said with --log_level=test_suite; the last line is "N passed, N failed".
guest_count() {
  local passed failed
  passed=$(grep -c 'Leaving test case' "$place/log" || true)
  failed=$(grep -oE '[0-9]+ failures? (is|are) detected' "$place/log" | grep -oE '^[0-9]+' | tail -1 || true)
  if ! tr -d '\r' <"$place/log" | grep -q "^$1 ended with 0\$"; then failed=${failed:-1}; fi
  echo "$passed passed, ${failed:-0} failed"
  [ "${failed:-0}" -eq 0 ] && [ "$passed" -gt 0 ]
}
