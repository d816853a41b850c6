#!/bin/sh
# Makes what stands in for the Node base image where there is no registry: Debian by debootstrap, the Node of npm's package, npm.
#
#     local-base.sh DIRECTORY NODE NPM      NPM: the folder of npm's package
set -eu
debootstrap --variant=minbase bookworm "$1" >/dev/null
chroot "$1" sh -euc 'apt-get update -qq; apt-get install -y -qq --no-install-recommends libatomic1 libstdc++6 ca-certificates; apt-get clean' >/dev/null
install -m 755 "$2" "$1/usr/local/bin/node"
mkdir -p "$1/usr/local/lib/node_modules"
cp -r "$3" "$1/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/local/bin/npm"
