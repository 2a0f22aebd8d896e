#!/bin/sh
# Make one proved backup in DIR, or where the configuration says, and print its path: scripts/backup.sh [DIR]
set -eu
here=$(cd -- "$(dirname -- "$0")/.." && pwd)
[ $# -le 1 ] || { echo "usage: scripts/backup.sh [DIR]" >&2 && exit 2; }
exec "$here/.venv/bin/forex" backup create ${1:+--backup-dir "$1"}
