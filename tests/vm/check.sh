# shellcheck shell=bash
# shellcheck disable=SC2034 # status, out, err, conf are for the tests
# Functions for the tests. Each check prints a line "ok - ..." or "not ok -
# ..."; whatever else a test prints is shown as a comment.

export LC_ALL=C
scratch=$(mktemp -d)
conf=$scratch/oom_adjust.conf
failed=0
started=()

pass() {
	echo "ok - $1"
}

# fail WHAT [DETAIL...]: the details are cut to a readable length.
fail() {
	local detail
	echo "not ok - $1"
	shift
	for detail; do
		head -n 30 <<< "$detail"
	done
	failed=1
}

# check WHAT COMMAND...: the command must succeed.
check() {
	local what=$1
	shift
	if "$@"; then pass "$what"; else fail "$what" "failed: $*"; fi
}

# is WHAT GOT WANTED: the two must be equal.
is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "got: $2" "wanted: $3"
	fi
}

# like WHAT GOT REGEX: some line must match, as in grep -E.
like() {
	if grep -Eq -e "$3" <<< "$2"; then
		pass "$1"
	else
		fail "$1" "got: $2" "wanted: $3"
	fi
}

# unlike WHAT GOT REGEX: no line must match.
unlike() {
	if grep -Eq -e "$3" <<< "$2"; then
		fail "$1" "got: $2" "unwanted: $3"
	else
		pass "$1"
	fi
}

# skip WHAT REASON
skip() {
	echo "ok - $1 # skip $2"
}

# config: standard input becomes the config file.
config() {
	cat > "$conf"
	chmod 644 "$conf"
}

# adjust [ARGUMENT...]: run oom_adjust with that file; leaves $out, $err and
# $status. $as may hold a command to run it by (setpriv, prlimit...).
as=()
adjust() {
	"${as[@]}" oom_adjust -c "$conf" "$@" > "$scratch/out" 2> "$scratch/err"
	status=$?
	out=$(cat "$scratch/out")
	err=$(cat "$scratch/err")
}

# start NAME [COMMAND...]: start COMMAND (idle) with NAME as its argv[0] and
# leave its PID in $pid.
start() {
	local name=$1
	shift
	[ $# -gt 0 ] || set -- idle -c "${name##*/}"
	(exec -a "$name" "$@" > /dev/null) &
	began "$name"
}

# began NAME: remember the process started last, once it has that name.
began() {
	pid=$!
	started+=("$pid")
	disown "$pid" # the shell must not report its death
	within 10 named "$pid" "$1"
}

named() {
	local argv0
	IFS= read -rd '' argv0 < "/proc/$1/cmdline"
	[ "$argv0" = "$2" ]
} 2>/dev/null

# within SECONDS COMMAND...: wait until the command succeeds.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# tomorrow TIME: set the clock to it. Back by up to three hours, cron would take
# its work for done.
tomorrow() {
	date -s "1 day $1"
}

# adj PID: print its oom_score_adj.
adj() {
	cat "/proc/$1/oom_score_adj" 2>/dev/null
}

# has PID VALUE: whether that is its oom_score_adj.
has() {
	[ "$(adj "$1")" = "$2" ]
}

# main_pid SERVICE
main_pid() {
	systemctl show -P MainPID "$1"
}

# uses_mb PID MB: whether it uses that much memory.
uses_mb() {
	[ "$(awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$1/status")" -ge "$2" ]
}

# tell PID: send SIGUSR1 to an "idle -w" once it sleeps: it waits for the signal
# then, and does not sleep before.
tell() {
	within 10 grep -q '^State:.S' "/proc/$1/status"
	kill -USR1 "$1"
}

alive() {
	[ -e "/proc/$1/exe" ] && ! grep -q '^State:.*Z' "/proc/$1/status"
} 2>/dev/null

gone() {
	! alive "$1"
}

# stop_all: end what start started.
stop_all() {
	[ ${#started[@]} -eq 0 ] || kill -9 "${started[@]}"
	for pid in "${started[@]}"; do
		within 5 gone "$pid"
	done
	started=()
} 2>/dev/null

finish() {
	stop_all
	rm -rf "$scratch"
}
trap finish EXIT
