#!/bin/sh
# Runs a command in a mount namespace like that of claude-failover.service: everything read-only but the home, a private
# /tmp with the tmux sockets bound into it, no capabilities. The program itself is bound in too, read-only, wherever it lies.
# Usage: unshare --mount --propagation private sh like-the-unit.sh HOME_DIR SOCKET_DIR PROGRAM_DIR COMMAND...
set -eu
home=$1
sockets=$2
program=$3
shift 3

# All may lie in the /tmp that is about to be covered.
stage=/run/cf-unit.$$
mkdir "$stage" "$stage/home" "$stage/sockets" "$stage/program"
mount --bind "$home" "$stage/home"
mount --bind "$sockets" "$stage/sockets"
mount --bind "$program" "$stage/program"
mount -t tmpfs tmpfs /tmp
mkdir -p "$home" "$sockets" "$program"
mount --bind "$stage/home" "$home"
mount --bind "$stage/sockets" "$sockets"
mount --bind "$stage/program" "$program"
umount "$stage/home" "$stage/sockets" "$stage/program"
rmdir "$stage/home" "$stage/sockets" "$stage/program" "$stage"

cut -d ' ' -f 5 /proc/self/mountinfo | sort -r | while read -r place; do
  case $place in
  /proc | /proc/* | /sys | /sys/* | /dev | /dev/* | /tmp | "$home" | "$sockets") ;;
  *) mount -o remount,bind,ro "$place" ;;
  esac
done
cd "$program"
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
