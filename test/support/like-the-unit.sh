#!/bin/sh
# Runs a command in a mount namespace like that of claude-failover.service: everything read-only but the home, a private
# /tmp with the tmux sockets bound into it, no capabilities.
# Usage: unshare --mount --propagation private sh like-the-unit.sh HOME_DIR SOCKET_DIR COMMAND...
set -eu
home=$1
sockets=$2
shift 2

# Both lie in the /tmp that is about to be covered.
mkdir /run/cf-unit-home.$$ /run/cf-unit-sockets.$$
mount --bind "$home" /run/cf-unit-home.$$
mount --bind "$sockets" /run/cf-unit-sockets.$$
mount -t tmpfs tmpfs /tmp
mkdir -p "$home" "$sockets"
mount --bind /run/cf-unit-home.$$ "$home"
mount --bind /run/cf-unit-sockets.$$ "$sockets"
umount /run/cf-unit-home.$$ /run/cf-unit-sockets.$$
rmdir /run/cf-unit-home.$$ /run/cf-unit-sockets.$$

cut -d ' ' -f 5 /proc/self/mountinfo | sort -r | while read -r place; do
  case $place in
  /proc | /proc/* | /sys | /sys/* | /dev | /dev/* | /tmp | "$home" | "$sockets") ;;
  *) mount -o remount,bind,ro "$place" ;;
  esac
done
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
