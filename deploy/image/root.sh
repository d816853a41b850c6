#!/bin/sh
# Makes the image's root in an empty directory from Debian's packages, on a Debian machine of the image's release:
#
#     root.sh DIRECTORY NODE      NODE: the binary of Node to put in, without its debug symbols
#
# For another architecture than the machine's, APT_CONFIG names a configuration of apt with that one's packages, and STRIP the
# program that takes symbols out of its binaries.
# Packages are unpacked, not installed: no package manager, no init, no maintainer scripts. What stands here is all there is,
# beside the program itself (pack.ts). Each package leaves its entry in dpkg/status.d, where scanners of images look, and its licence.
set -eu
root=$1
node=$2

# The C and C++ libraries that Node is linked with; protocol and service names; who this is.
packages="libc6 libgcc-s1 libstdc++6 libatomic1 gcc-12-base netbase base-files"
# Interception: iptables in both variants, nft, and what these are linked with.
packages="$packages iptables libip4tc2 libip6tc2 libxtables12 libnfnetlink0 libnetfilter-conntrack3
  nftables libnftables1 libnftnl11 libmnl0 libjansson4 libgmp10 libedit2 libtinfo6 libbsd0 libmd0"
# The shell of the launchers, and of whoever looks into a pod.
packages="$packages busybox"
applets="cat cp df env free grep head id ip kill less ls mkdir mount netstat nslookup ping ps pwd readlink rm sed sh sleep
  tail top vi wc wget"
# Files of these packages that nothing here uses.
unused="usr/lib/*/gconv usr/lib/*/audit usr/lib/*/libthread_db* usr/lib/*/libnss_compat* usr/lib/*/libnss_hesiod* usr/lib/*/libpcprofile* usr/lib/*/libmemusage*
  usr/share/man usr/share/locale usr/share/lintian usr/share/bug usr/share/gcc usr/share/base-files usr/share/iptables usr/share/gdb
  usr/sbin/nfnl_osf usr/sbin/arptables-* usr/sbin/ebtables-* usr/sbin/*-apply usr/sbin/*-translate usr/share/xtables usr/share/info
  usr/share/initramfs-tools usr/lib/systemd etc/dpkg etc/update-motd.d etc/nftables.conf etc/ethertypes etc/rpc"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/packages/partial" "$root"
chmod 755 "$work" "$work/packages"

# Debian's layout since 12: one tree, under /usr.
for directory in bin sbin lib lib64; do
  mkdir -p "$root/usr/$directory"
  ln -sfn "usr/$directory" "$root/$directory"
done
mkdir -p "$root/var/lib/dpkg/status.d"

cd "$work/packages"
# shellcheck disable=SC2086 # names without spaces
download() { apt-get download -qq -o APT::Sandbox::User=root $packages; }
# A fresh machine has no lists, an old one lists of packages that have gone.
download || { apt-get update -qq && download; }
cd - >/dev/null
for package in "$work"/packages/*.deb; do
  name=$(dpkg-deb --field "$package" Package)
  # tar keeps the links to /usr where dpkg-deb would put folders in their place.
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root" --keep-directory-symlink --no-same-owner
  dpkg-deb --field "$package" >"$root/var/lib/dpkg/status.d/$name"
done
for pattern in $unused; do
  # shellcheck disable=SC2086 # a pattern of ours
  rm -rf "$root"/$pattern
done
find "$root/usr/share/doc" \( -type f -o -type l \) ! -name copyright -delete
find "$root" -mindepth 1 -type d -empty -delete

# Where something is mounted, or written where the root allows it.
for directory in dev etc/coredns proc root run sys tmp; do mkdir -p "$root/$directory"; done
chmod 1777 "$root/tmp"

# What Debian's alternatives do at installation.
for command in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
  nft=$(echo "$command" | sed 's/tables/tables-nft/')
  ln -sfn "$nft" "$root/usr/sbin/$command"
done
for applet in $applets; do ln -sfn busybox "$root/usr/bin/$applet"; done

printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
# Names from /etc/hosts, then from DNS: for `http` addresses of web configurations and exporters.
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"

mkdir -p "$root/usr/local/bin"
cp "$node" "$root/usr/local/bin/node"
"${STRIP:-strip}" "$root/usr/local/bin/node"
chmod 755 "$root/usr/local/bin/node"
