#!/usr/bin/env bash
# A real Slurm of one node for the tests of `specc sweep --slurm`: munged, slurmctld and slurmd from Debian's
# packages (22.05 in Debian 12), as root, with neither systemd nor cgroups; all that it writes is below DIR.
# usage: tools/slurm-one-node.sh install                  (the packages, with apt-get; a minute)
#        eval "$(tools/slurm-one-node.sh start DIR [CPUS])"    (about a second)
#        tools/slurm-one-node.sh stop DIR                 (8 seconds where a job ignores SIGTERM)
# `start` waits until the node is idle and prints nothing but `export SLURM_CONF=…`. The node is node1, the
# partition main; CPUS is 2 unless given, and need not be what the machine has. A requeued job may start again
# after 11 seconds, not after Slurm's 121 (cred_expire); finished jobs stay in squeue for an hour (MinJobAge), and
# in DIR/jobcomp.txt. Time limits are looked at every 30 seconds, as everywhere. `stop` ends the jobs too, and a later
# `start` in the same DIR counts the job ids on; where daemons were killed, it starts their jobs again.
# Exit codes: 1 failed, 2 wrong usage, 3 the packages are missing.
set -euo pipefail

node=node1
partition=main
packages=(munge slurmctld slurmd slurm-client)

die() { # CODE MESSAGE
    echo "slurm-one-node: $2" >&2
    exit "$1"
}

usage() {
    sed -n '/^# usage:/,/ stop DIR/s/^# //p' "$0" >&2
    exit 2
}

lines_of_environment() { # PID: nothing where the process is gone
    tr '\0' '\n' 2>/dev/null <"/proc/$1/environ" || true
}

# The daemons carry a mark in their environment. slurmstepd empties its own, and stands in the folder of the logs. A
# job's processes have the environment of the submission, in which Slurm sets SLURM_JOB_ID; SLURM_CONF alone is also
# in the shell of the caller.
processes() { # all that a daemon or a job of DIR left, by process id
    local entry pid environment
    for entry in /proc/[0-9]*; do
        pid=${entry#/proc/}
        if [ "$pid" = $$ ] || [ "$pid" = "$BASHPID" ]; then continue; fi
        environment=$(lines_of_environment "$pid")
        if grep -qxF "SLURM_ONE_NODE=$dir" <<<"$environment"; then
            echo "$pid"
        elif grep -qxF "SLURM_CONF=$dir/slurm.conf" <<<"$environment" &&
            grep -q '^SLURM_JOB_ID=' <<<"$environment"; then
            echo "$pid"
        elif [[ $(cat "$entry/comm" 2>/dev/null) = slurmstepd* ]] &&
            [ "$(readlink "$entry/cwd")" = "$dir/log" ]; then
            echo "$pid"
        fi
    done
}

daemon_pid() { # NAME: its process id if it runs
    local pid
    pid=$(cat "$dir/run/$1.pid" 2>/dev/null) || return 1
    [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] || return 1
    lines_of_environment "$pid" | grep -qxF "SLURM_ONE_NODE=$dir" || return 1
    echo "$pid"
}

wait_for() { # SECONDS COMMAND …
    local tries=$(($1 * 10))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.1
    done
}

gone() { # PID …
    local pid state
    for pid in "$@"; do
        state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) || continue
        case $state in '' | Z | X) ;; *) return 1 ;; esac
    done
}

end() { # SECONDS PID …: TERM, and KILL to what is left after that time
    local seconds=$1
    shift
    [ $# -gt 0 ] || return 0
    kill -TERM "$@" 2>/dev/null || true
    wait_for "$seconds" gone "$@" && return
    kill -KILL "$@" 2>/dev/null || true
    wait_for 5 gone "$@"
}

free_port() { # [NOT_THIS]: one at which nothing listens, below the range of outgoing connections
    local port used
    used=$(awk '{ n = split($2, a, ":"); print a[n] }' /proc/net/tcp /proc/net/tcp6 2>/dev/null || true)
    while :; do
        port=$((20000 + RANDOM % 12000))
        [ "$port" != "${1:-}" ] || continue
        grep -qix "$(printf %04x "$port")" <<<"$used" || break
    done
    echo "$port"
}

idle() {
    case $(SLURM_CONF=$dir/slurm.conf timeout 5 sinfo -h -n "$node" -o %T 2>/dev/null) in
    idle) return 0 ;;
    down | drained) # as an earlier run left it
        SLURM_CONF=$dir/slurm.conf timeout 5 scontrol update nodename="$node" state=resume 2>/dev/null || true
        ;;
    esac
    return 1
}

no_job_on_node() {
    local jobs
    jobs=$(SLURM_CONF=$dir/slurm.conf timeout 5 squeue -h -o %i) || return 1
    [ -z "$jobs" ]
}

configure() { # CPUS
    local host port memory
    host=$(hostname -s 2>/dev/null || hostname)
    port=$(free_port)
    memory=$(awk '/^MemTotal:/ { m = int($2 / 1024) - 1024; print (m < 256 ? 256 : m) }' /proc/meminfo)
    mkdir -p "$dir"/{run,log,state,spool}
    [ -s "$dir/munge.key" ] || (umask 077 && head -c 128 /dev/urandom >"$dir/munge.key")
    cat >"$dir/slurm.conf" <<CONF
ClusterName=onenode
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$(free_port "$port")
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthInfo=socket=$dir/run/munge.socket,cred_expire=10
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.log
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/jobcomp.txt
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MailProg=/bin/true
PropagateResourceLimits=NONE
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=5
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=$((memory / $1))
JobRequeue=1
KillWait=5
OverTimeLimit=0
MinJobAge=3600
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=$node NodeHostname=$host NodeAddr=127.0.0.1 CPUs=$1 RealMemory=$memory State=UNKNOWN
PartitionName=$partition Nodes=$node Default=YES MaxTime=INFINITE DefaultTime=60 State=UP
CONF
}

launch() { # NAME COMMAND …: with an environment of its own, holding none of the caller's pipes
    local name=$1
    shift
    env -i PATH="$PATH" HOME=/root LANG=C.UTF-8 SLURM_ONE_NODE="$dir" "$@" \
        </dev/null >>"$dir/log/$name.out" 2>&1 || fail "$name does not start"
    wait_for 10 daemon_pid "$name" >/dev/null || fail "$name does not stay up"
}

fail() { # MESSAGE: with what the logs say
    echo "slurm-one-node: $1; the ends of the logs:" >&2
    tail -n 15 -- "$dir"/log/* >&2 || true
    stop
    exit 1
}

missing() { # the first of the programs that is not here
    local program
    for program in munged slurmctld slurmd sinfo; do
        command -v "$program" >/dev/null || { echo "$program" && return; }
    done
    return 1
}

start() { # CPUS
    local program
    if program=$(missing); then
        die 3 "NO SLURM HERE: $program is missing; install ${packages[*]} (tools/slurm-one-node.sh install)"
    fi
    # The sockets of munged and of each job step are below DIR, and such a name holds 107 bytes at most.
    [ ${#dir} -le 70 ] || die 1 "the name of $dir is too long for sockets below it; at most 70 characters"
    [[ $dir != *[!-+.,/_0-9A-Za-z]* ]] || die 1 "the name of $dir has characters that slurm.conf does not take"
    mkdir -p "$dir"
    exec 9>"$dir/lock"
    flock 9
    if daemon_pid munged >/dev/null && daemon_pid slurmctld >/dev/null && daemon_pid slurmd >/dev/null; then
        echo "slurm-one-node: already running in $dir" >&2
    else
        stop # what is left of an earlier one
        configure "$1"
        launch munged munged --force --key-file="$dir/munge.key" --socket="$dir/run/munge.socket" \
            --pid-file="$dir/run/munged.pid" --log-file="$dir/log/munged.log" --seed-file="$dir/run/munged.seed" 9>&-
        launch slurmctld slurmctld -f "$dir/slurm.conf" 9>&-
        launch slurmd slurmd -f "$dir/slurm.conf" -N "$node" 9>&-
        wait_for 60 idle || fail "the node does not become idle"
    fi
    printf 'export SLURM_CONF=%q\n' "$dir/slurm.conf"
}

stop() {
    local name pid pids
    if daemon_pid slurmctld >/dev/null; then
        SLURM_CONF=$dir/slurm.conf timeout 10 scancel --partition="$partition" 2>/dev/null || true
        if daemon_pid slurmd >/dev/null; then
            wait_for 15 no_job_on_node || echo "slurm-one-node: jobs do not end by scancel; they are killed" >&2
        fi
    fi
    # slurmd first, so that slurmctld cannot start anything more.
    for name in slurmd slurmctld munged; do
        if pid=$(daemon_pid "$name"); then
            end 10 "$pid" || die 1 "$name ($pid) does not end"
        fi
    done
    mapfile -t pids < <(processes)
    end 2 "${pids[@]}" || die 1 "processes do not end: ${pids[*]}"
}

case ${1:-} in
install)
    [ $# -eq 1 ] || usage
    missing >/dev/null || exit 0
    export DEBIAN_FRONTEND=noninteractive
    apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
    "${apt[@]}" update >/dev/null
    # At run level 1 the packages' scripts start no service, where there is no systemd.
    RUNLEVEL=1 "${apt[@]}" install -y --no-install-recommends "${packages[@]}" >/dev/null
    ;;
start | stop)
    [ $# -eq 2 ] || { [ "$1" = start ] && [ $# -eq 3 ]; } || usage
    [[ ${3:-2} =~ ^[1-9][0-9]*$ ]] || usage
    [ "$(id -u)" -eq 0 ] || die 1 "must be root"
    dir=$(realpath -m -- "$2")
    if [ "$1" = start ]; then start "${3:-2}"; else stop; fi
    ;;
*) usage ;;
esac
