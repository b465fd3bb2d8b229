#!/bin/sh
# Brings Debian's packages that are missing: `tools/packages.sh servers` those that the tests speak with,
# `tools/packages.sh NAME ...` the named ones. Does nothing where all is there; says what is missing where it may not install.
set -eu
PATH="$PATH:/usr/sbin:/sbin"
works() { command -v "$1" >/dev/null 2>&1; }
missing="$*"
if [ "$missing" = servers ]; then
  missing=""
  works docker-registry || missing="$missing docker-registry"
  works mariadbd || missing="$missing mariadb-server"
  works memcached || missing="$missing memcached"
  works fish || missing="$missing fish"
  works ssh || missing="$missing openssh-client"
  works sshd || missing="$missing openssh-server"
  works pg_ctl || ls /usr/lib/postgresql/*/bin/pg_ctl >/dev/null 2>&1 || missing="$missing postgresql"
  for part in proxy account container object; do
    works "swift-$part-server" || missing="$missing swift-$part"
  done
  works zsh || missing="$missing zsh"
else
  missing=""
  for name in "$@"; do
    case $name in
      graphviz) works dot ;;
      fonts-dejavu-core) [ -e /usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf ] ;;
      *) works "$name" ;;
    esac || missing="$missing $name"
  done
fi
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then as_root=""; else as_root="sudo --non-interactive"; fi
if works apt-get && $as_root true 2>/dev/null; then
  echo "Installing Debian's packages that the tests need:$missing"
  $as_root apt-get update -qq
  # shellcheck disable=SC2086 # a list of packages
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
else
  echo "Missing on this machine, named as Debian's packages: $missing" >&2
  exit 1
fi
