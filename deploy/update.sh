#!/bin/sh
# Bring a Docker deployment to this checkout's version: back up, build, stop the UI, change over, start, check.
# If a step fails, the image and the databases of before are back. The former image stays as forex-core:previous.
#   deploy/update.sh [--dry-run] [options of docker build, such as --build-arg WITH_TORCH=1]
# FOREX_DATA_DIR as for docker-compose; what runs in containers runs as the owner of that directory.
set -eu
cd -- "$(dirname -- "$0")/.."
dry=""
[ "${1:-}" != --dry-run ] || { dry=yes && shift; }
data=${FOREX_DATA_DIR:-$PWD/data}
FOREX_UID=$(stat -c %u -- "$data")
FOREX_GID=$(stat -c %g -- "$data")
export PWD FOREX_UID FOREX_GID

run() {
    echo "+ $*" >&2
    [ -n "$dry" ] || "$@"
}
compose() { if command -v docker-compose >/dev/null; then docker-compose "$@"; else docker compose "$@"; fi; }
forex() { run compose run -T --rm --entrypoint forex forecaster "$@"; }
ui_here() { docker ps --quiet --filter name='^mlflow-ui$'; }
ui() { run compose --profile mlflow "$@" mlflow-ui; }

# the UI answers, and from the database
ask='import urllib.request as r; [r.urlopen("http://127.0.0.1:5000/" + p, timeout=5) for p in (
    "health", "api/2.0/mlflow/experiments/search?max_results=1")]'
answers() {
    for _ in $(seq 60); do
        docker exec mlflow-ui python -c "$ask" 2>/dev/null && return
        [ -n "$(ui_here)" ] || break
        sleep 1
    done
    echo "mlflow-ui does not answer" >&2 && docker logs --tail 20 mlflow-ui >&2
    return 1
}

# What `forex upgrade` kept becomes the database again, with the log that a copy has not: readers need it.
put_back='import os, sqlite3, sys
kept, path = sys.argv[1:]
copy = sqlite3.connect(kept)
copy.execute("PRAGMA journal_mode = WAL")
copy.close()
for beside in filter(os.path.exists, (path + "-wal", path + "-shm", path + "-journal")):
    os.unlink(beside)
os.replace(kept, path)'
put_back() {
    run compose run -T --rm --entrypoint python forecaster -c "$put_back" "$data/before-upgrade/${1#*/}" "$data/$1"
}

back() {
    trap - EXIT
    echo "The update failed: the version of before comes back." >&2
    run docker tag "$former" forex-core:current
    for one in forex.db mlflow/mlflow.db; do
        case $upgraded in *"\"${one#*/}\""*) put_back "$one" ;; esac
    done
    [ -z "$upgraded" ] || forex mlflow upgrade || : # publishes them
    [ -z "$served" ] || ui up -d
    exit 1
}

served=$(ui_here)
upgraded=""
former=$(docker image inspect --format '{{.Id}}' forex-core:current 2>/dev/null || :)
[ -z "$former" ] || [ ! -f "$data/forex.db" ] || forex backup create
run docker build --tag forex-core:next --file deploy/Dockerfile "$@" .
if [ -n "$former" ]; then
    run docker tag "$former" forex-core:previous
    trap back EXIT
    trap 'exit 143' INT TERM
fi
[ -z "$served" ] || ui stop
run docker tag forex-core:next forex-core:current
if [ -f "$data/forex.db" ] || [ -f "$data/mlflow/mlflow.db" ]; then
    upgraded=$(forex upgrade --json)
    forex status || [ $? -eq 75 ] # something is late: no fault of this version
fi
if [ -n "$served" ]; then
    ui up -d
    run answers
fi
trap - EXIT
echo "forex-core:current is of this checkout${dry:+, or would be}."
