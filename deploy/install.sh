#!/bin/sh
# Install forex as a service of this machine; run again, it changes only what differs. It never touches data.
#   deploy/install.sh [--torch] [--venv DIR] [--dry-run]    --torch: Chronos' official runtime and training, too
#                                                          --venv: use this environment, in which forex is installed
#   deploy/install.sh --uninstall [--dry-run]              keeps the data, the backups, the settings and the users
# PYTHON names the interpreter to use, else python3 of the system.
set -eu
here=$(cd -- "$(dirname -- "$0")" && pwd)
checkout=$(dirname -- "$here")
python=${PYTHON:-/usr/bin/python3}
app=/opt/forex data=/var/lib/forex backups=/var/backups/forex settings=/etc/forex units=/etc/systemd/system
dry="" given="" torch="" uninstall=""

die() {
    code=$1
    shift
    echo "install.sh: $*" >&2
    exit "$code"
}

# Do it and say so; in a dry run only say so.
run() {
    echo "${dry:+would }run: $*"
    [ -n "$dry" ] || "$@"
}

# put MODE SOURCE TARGET: nothing if it is there already
put() {
    cmp -s "$2" "$3" && [ "$(stat -c %a "$3")" = "${1#0}" ] || run install -D -m "$1" "$2" "$3"
}

# folder MODE OWNER GROUP PATH
folder() {
    is "$@" || run install -d -m "$1" -o "$2" -g "$3" "$4"
}

is() {
    [ "$(stat -c '%a %U %G' "$4" 2>/dev/null)" = "$1 $2 $3" ]
}

# As the user of the services, with their mask and without the caller's environment. All below $data and $backups is
# that user's to do: links may stand there, which root would follow.
as_forex() {
    (umask 077 && cd / && runuser -u forex -g forex -G forex-view -- \
        env -i PATH=/usr/bin:/bin LANG=C.UTF-8 TZ=UTC HOME=$data "$@")
}

people() {
    getent group forex-view >/dev/null || run groupadd --system forex-view
    getent passwd forex >/dev/null ||
        run useradd --system --user-group --home-dir $data --no-create-home --shell /usr/sbin/nologin forex
}

folders() {
    folder 711 forex forex $data
    is 2750 forex forex-view $data/public || run as_forex install -d -m 2750 -g forex-view $data/public
    folder 700 forex forex $backups
    folder 755 root root $app
    folder 755 root root $settings
    folder 755 root root $settings/viewers
    folder 700 root root $settings/credentials
    # systemd wants each that the units name; an empty one is a setting that is not set
    sed -n 's/^LoadCredential=.*://p' "$here/systemd/forex-.service.d/common.conf" | while read -r secret; do
        [ -e "$secret" ] || run install -m 600 /dev/null "$secret"
        [ "$(stat -c %a "$secret" 2>/dev/null || echo 600)" = 600 ] || run chmod 600 "$secret"
    done
}

# Each version in an environment of its own, beside the others; a link says which one is used.
program() {
    venv=${given:-$app/venvs/$(version)}
    [ -n "$given" ] || { [ -e "$venv/complete" ] && usable "$venv"; } || build "$venv"
    [ -n "$dry" ] || usable "$venv" ||
        die 77 "the user forex can't run $venv; is it, or its Python, in somebody's home? Set PYTHON to another one"
    former=$(readlink $app/venv) || :
    [ "$former" = "$venv" ] || {
        [ ! -e $data/forex.db ] || migrate
        run ln -sfn "$venv" $app/.venv.new
        run mv -T $app/.venv.new $app/venv
        for old in $app/venvs/*; do # the former one stays, as the way back
            case $old in "$venv" | "$former" | *'*') ;; *) run rm -r "$old" ;; esac
        done
    }
    [ "$(readlink /usr/local/bin/forex)" = $app/venv/bin/forex ] || run ln -sfn $app/venv/bin/forex /usr/local/bin/forex
    for one in alert forex-dashboard; do
        [ ! -e "$here/$one" ] || put 755 "$here/$one" "$app/deploy/$one"
    done
}

usable() {
    as_forex "$1/bin/forex" --version >/dev/null
}

# Before the new version is in force, the data become the new version's; no job of the former one may start between.
# However this ends, jobs go on: what is stopped here, services starts again, or else the trap.
migrate() {
    [ -n "$dry" ] || [ -z "$former" ] || trap 'systemctl start $(triggers) || :' EXIT
    trap 'exit 129' HUP INT TERM
    run systemctl stop 'forex-*.timer' 'forex-*.path'
    run as_forex "$venv/bin/forex" upgrade || die $? "the former version stays in force, and the data are as they were"
}

version() {
    (cd "$checkout" && find src pyproject.toml deploy/*.lock deploy/constraints.txt -type f ! -name '*.pyc' \
        ! -path '*.egg-info/*' -exec cksum {} + | sort -k3 | cksum | cut -d' ' -f1 | sed "s/$/${torch:+-torch}/")
}

build() {
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        die 78 "forex needs Python 3.11 or newer; $python is not. Set PYTHON to another one"
    run "$python" -m venv --clear "$1"
    pip="$1/bin/pip --disable-pip-version-check --quiet install"
    run $pip --require-hashes --only-binary :all: --requirement "$here/requirements.lock"
    source=$(mktemp -d)
    (cd "$checkout" && cp -r pyproject.toml README.md LICENSE src "$source")
    run $pip --no-deps --no-build-isolation "$source"
    rm -rf "$source"
    if [ -n "$torch" ]; then
        # without hashes: PyTorch's own index, whose build has no CUDA, gives none
        run $pip --no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0 || run $pip torch==2.13.0
        run $pip --constraint "$here/constraints.txt" chronos-forecasting
    fi
    run touch "$1/complete"
}

configuration() {
    [ ! -e $settings/forex.toml ] || return 0
    echo "${dry:+would }write: $settings/forex.toml"
    [ -z "$dry" ] || return 0
    new=$settings/.forex.toml.new
    env -i $app/venv/bin/forex config init --defaults --force --output $new >/dev/null
    sed -i "s|^# data_dir = .*|data_dir = \"$data\"|; s|^# backup_dir = .*|backup_dir = \"$backups\"|" $new
    chmod 644 $new
    mv $new $settings/forex.toml
}

# Once, before the first timers: four runs that each made the databases would stand in one another's way.
databases() {
    [ ! -e $data/forex.db ] || return 0
    echo "${dry:+would }make: the databases in $data"
    [ -n "$dry" ] || as_forex $app/venv/bin/python -c '
from pathlib import Path
from forex_core.bootstrap import opened
from forex_core.settings import Settings
with opened(Settings.load({}, {}, Path("/"))) as adapters:
    adapters.tracker.prepare(adapters.store)'
}

services() {
    staged=$(mktemp -d)
    cp -r "$here/systemd/." "$staged"
    # of the horizons, those of the setting daily_horizons every business day, the others on Mondays
    shown=$([ ! -e $app/venv ] || as_forex $app/venv/bin/forex config show)
    daily=$(echo "$shown" | sed -n 's/^daily_horizons = \(.*\)  \[.*/\1/p')
    for one in "$staged"/forex-run@*.timer; do
        horizon=$(expr "$one" : '.*@\(.*\)\.timer')
        case " ${daily:-7d}," in *" $horizon,"*) days=Mon..Fri ;; *) days=Mon ;; esac
        sed -i "s/^OnCalendar=[A-Za-z.]*/OnCalendar=$days/" "$one"
    done
    journal=$(cksum "$(place journald-forex.conf)" 2>&1) || :
    (cd "$staged" && find . -type f | sed 's|^\./||' | sort) | while read -r one; do
        put 644 "$staged/$one" "$(place "$one")"
    done
    rm -r "$staged"
    run systemctl daemon-reload
    run systemctl enable --quiet --now $(triggers)
    trap - EXIT HUP INT TERM
    [ "$journal" = "$(cksum "$(place journald-forex.conf)" 2>&1)" ] || run systemctl restart systemd-journald
}

# Where a file of deploy/systemd belongs.
place() {
    case "$1" in journald-forex.conf) echo /etc/systemd/journald.conf.d/forex.conf ;; *) echo "$units/$1" ;; esac
}

# What is enabled.
triggers() {
    (cd "$here/systemd" && ls | sed -n 's/\(^forex-run@.*\)\.timer$/&\n\1.path/p; /^forex-run/!s/\.timer$/&/p')
}

# People of the group forex-view see the dashboard and nothing else.
viewers() {
    [ -e "$here/sshd-forex-view.conf" ] && [ -d /etc/ssh/sshd_config.d ] || return 0
    ! cmp -s "$here/sshd-forex-view.conf" /etc/ssh/sshd_config.d/forex-view.conf || return 0
    put 644 "$here/sshd-forex-view.conf" /etc/ssh/sshd_config.d/forex-view.conf
    run systemctl try-reload-or-restart ssh
}

remove() {
    run systemctl disable --quiet $(triggers) || :
    run systemctl stop 'forex-*'
    (cd "$here/systemd" && find . -type f | sed 's|^\./||') | while read -r one; do
        [ ! -e "$(place "$one")" ] || run rm "$(place "$one")"
    done
    for one in /etc/ssh/sshd_config.d/forex-view.conf /usr/local/bin/forex $app; do
        [ ! -e "$one" ] && [ ! -L "$one" ] || run rm -r "$one"
    done
    run systemctl daemon-reload
    echo "Kept: $data, $backups, $settings, the user forex and the group forex-view."
}

main() {
    while [ $# -gt 0 ]; do
        case $1 in
        --dry-run) dry=yes ;;
        --uninstall) uninstall=yes ;;
        --torch) torch=yes ;;
        --venv) given=${2:?--venv needs a directory} && shift ;;
        *) sed -n '2,6s/^# //p' "$0" >&2 && exit 2 ;;
        esac
        shift
    done
    [ "$(id -u)" = 0 ] || die 77 "only root can install; nothing was changed. Run: sudo deploy/install.sh"
    [ -d /run/systemd/system ] || die 69 "this machine does not run systemd; nothing was changed. See deploy/crontab"
    umask 022
    if [ -n "$uninstall" ]; then
        remove
        return
    fi
    people
    folders
    program
    configuration
    databases
    services
    viewers
    echo "Installed. Next: put secrets into $settings/credentials, edit $settings/forex.toml, then: sudo -u forex forex doctor"
}

main "$@"; exit # all is read by now, whatever becomes of this file meanwhile
