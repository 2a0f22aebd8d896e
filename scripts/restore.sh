#!/bin/sh
# Put a backup in place of the data directory, which is kept: scripts/restore.sh FILE [--to DIR]
set -eu
here=$(cd -- "$(dirname -- "$0")/.." && pwd)
[ $# -gt 0 ] || { echo "usage: scripts/restore.sh FILE [--to DIR]" >&2 && exit 2; }
exec "$here/.venv/bin/forex" backup restore --yes "$@"
