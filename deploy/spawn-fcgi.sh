#!/bin/sh
# Starts and stops m2mauth by spawn-fcgi, for a machine without systemd.
#
#     deploy/spawn-fcgi.sh start | stop | restart | reload | status
#
# Override the settings below in the environment, for example: SOCKET=/srv/fcgi.sock spawn-fcgi.sh start
# Started as root, the socket and the process belong to the users below, otherwise to the caller.
# spawn-fcgi redirects stderr to /dev/null, so the log goes to syslog (log_target = auto).
set -eu

M2MAUTH=${M2MAUTH:-/usr/local/sbin/m2mauth}
CONFIG=${CONFIG:-/etc/m2mauth/m2mauth.conf}
SOCKET=${SOCKET:-/run/m2mauth/fcgi.sock}
PIDFILE=${PIDFILE:-/run/m2mauth/m2mauth.pid}
RUN_USER=${RUN_USER:-m2mauth}
SOCKET_GROUP=${SOCKET_GROUP:-www-data}      # group of the front server: every member is trusted as the front server
BACKLOG=${BACKLOG:-1024}
STOP_SECONDS=${STOP_SECONDS:-20}            # more than drain_seconds of m2mauth.conf

say() {
    echo "spawn-fcgi.sh: $*" >&2
}

# Sets pid if m2mauth runs. The pid in a stale pid file may belong to another program. A process that has exited stays
# in /proc where no process reaps it, as in a container without an init process.
running() {
    pid=$(cat "$PIDFILE" 2>/dev/null) || return 1
    case $pid in '' | *[!0-9]*) return 1 ;; esac
    ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null &&
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$(basename "$M2MAUTH" | cut -c1-15)" ]
}

# As the user that reads the files.
check() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid="$RUN_USER" --regid="$(id -gn "$RUN_USER")" --init-groups "$M2MAUTH" -c "$CONFIG" -t >/dev/null
    else
        "$M2MAUTH" -c "$CONFIG" -t >/dev/null
    fi
}

start() {
    if running; then
        say "already running, pid $pid"
        return 0
    fi
    check       # spawn-fcgi reports success before the configuration is read
    mkdir -p "$(dirname "$SOCKET")" "$(dirname "$PIDFILE")"
    if [ "$(id -u)" = 0 ]; then
        set -- -U "$RUN_USER" -G "$SOCKET_GROUP" -u "$RUN_USER" -g "$(id -gn "$RUN_USER")"
    else
        set --
    fi
    spawn-fcgi -s "$SOCKET" -M 0660 "$@" -b "$BACKLOG" -P "$PIDFILE" -- "$M2MAUTH" -c "$CONFIG"
}

stop() {
    if ! running; then
        say "not running"
        return 0
    fi
    kill -TERM "$pid"
    left=$((STOP_SECONDS * 10))
    while running; do
        if [ "$left" = 0 ]; then
            say "pid $pid still runs after $STOP_SECONDS s, killing it"
            kill -KILL "$pid"
            break
        fi
        left=$((left - 1))
        sleep 0.1
    done
    rm -f "$PIDFILE" "$SOCKET"
}

reload() {
    running || { say "not running"; return 1; }
    check
    kill -HUP "$pid"
}

status() {
    running || { echo "not running"; return 3; }
    echo "running, pid $pid"
}

case ${1:-} in
start | stop | reload | status) "$1" ;;
restart) check; stop; start ;;
*)
    echo "usage: $0 start | stop | restart | reload | status" >&2
    exit 64
    ;;
esac
