# shellcheck shell=bash
# What the command tests share. Each test runs in a directory of its own, with
# a config file c.conf there; MARK is a name that no other process has.

TOP=${TOP:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
OOM_ADJUST=${OOM_ADJUST:-$TOP/build/oom_adjust}
HELPERS=${HELPERS:-$TOP/build/tests}
export TOP OOM_ADJUST HELPERS
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH

umask 022

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	MARK=oat$BASHPID
	export MARK
}

teardown() {
	[[ -z ${OPEN_DIRECTORY:-} ]] || rm -rf "$OPEN_DIRECTORY"
}

# An ordinary user, and a directory that he can enter.
NOBODY=(setpriv --reuid 65534 --regid 65534 --clear-groups)

open_directory() {
	OPEN_DIRECTORY=$(mktemp -d)
	chmod 755 "$OPEN_DIRECTORY"
	cd "$OPEN_DIRECTORY" || return 1
	"${NOBODY[@]}" test -x "$OOM_ADJUST" ||
		skip "NOT RUN: an ordinary user cannot reach the program"
}

# Put what was printed in $out and $err. musl has words of its own for errno.
read_output() {
	out=$(<out) err=$(<err)
	# bash 5.1 takes minutes to replace words in megabytes
	[[ ${#err} -lt 100000 ]] || return 0
	err=${err//No file descriptors available/Too many open files}
	err=${err//"I/O error"/"Input/output error"}
}

# Run oom_adjust: exit status in $status, what it printed in $out and $err.
adjust() {
	status=0
	"$OOM_ADJUST" "$@" >out 2>err 3>&- || status=$?
	read_output
}

# The same, but run by another program, as in: adjust_by strace -o log -- -n
adjust_by() {
	local by=()
	while [[ $1 != -- ]]; do
		by+=("$1")
		shift
	done
	shift
	status=0
	"${by[@]}" "$OOM_ADJUST" "$@" >out 2>err 3>&- || status=$?
	read_output
}

# Write standard input to the config file.
config() {
	cat >c.conf
}

# untraced COMMAND ...: run a function of thousands of commands in a subshell
# where bats doesn't note the line of each, which takes longer than the command.
untraced() (
	trap - DEBUG
	"$@"
)

complain() {
	printf '%s\n' "$@" "status $status, stdout:" "$out" "stderr:" "$err" >&2
	return 1
}

status_is() {
	[[ $status -eq $1 ]] || complain "status is not $1"
}

# out_has, err_has: each argument is part of the output. out_is, err_is: the
# argument is all of it.
out_has() {
	local s
	for s; do
		[[ $out == *"$s"* ]] || complain "not in stdout: $s"
	done
}

out_lacks() {
	local s
	for s; do
		[[ $out != *"$s"* ]] || complain "in stdout: $s"
	done
}

err_has() {
	local s
	for s; do
		[[ $err == *"$s"* ]] || complain "not in stderr: $s"
	done
}

out_is() {
	[[ $out == "$1" ]] || complain "stdout is not: $1"
}

err_is() {
	[[ $err == "$1" ]] || complain "stderr is not: $1"
}

# need_program PROGRAM ...: skip the test if one is missing. For programs that
# "make check" doesn't install, or that a small system lacks.
need_program() {
	local program
	for program; do
		command -v "$program" >/dev/null ||
			skip "NOT RUN: needs $program"
	done
}

need_root() {
	[[ $EUID -eq 0 ]] || skip "NOT RUN: needs root"
}

# process_line PID TEXT: with -v or -n the process has a line, and TEXT is all
# of that after the PID.
process_line() {
	local line
	while read -r line; do
		[[ $line != "$1 $2" ]] || return 0
	done <out
	complain "no line: $1 $2"
}

# For tests that look at the program's own system calls: under a wrapper such as
# valgrind they would see the wrapper's.
need_bare() {
	[[ ${OOM_ADJUST_WRAPPED:-sanitize} == sanitize ]] ||
		skip "NOT RUN: system calls cannot be traced under a wrapper"
	# The leak check does not work under ptrace(2).
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
}

# For tests that do to the program what valgrind itself does not survive.
not_under_valgrind() {
	! under_valgrind || skip "NOT RUN: valgrind itself fails here"
}

# valgrind is slow: with it, some tests leave out what others have shown.
under_valgrind() {
	[[ ${OOM_ADJUST_WRAPPED:-} == valgrind ]]
}

# A login user's processes are not lowered.
need_service() {
	[[ $EUID -lt 1000 ]] || skip "NOT RUN: needs root, or a service's user"
}

need_namespaces() {
	need_root
	need_program mount unshare
	unshare --mount --pid --fork true 2>/dev/null ||
		skip "NOT RUN: no new namespaces can be made here"
}

# actor VARIABLE [OPTION ...] ARGV0 [ARG ...]
# Start such a process (tests/helpers/actor.c) and put its PID in VARIABLE.
actor() {
	local variable=$1 fd
	shift
	[[ -p actors ]] || mkfifo actors
	# Opened for both directions, because that does not wait.
	exec {fd}<>actors
	"$HELPERS/actor" "$@" >&"$fd" 3>&- &
	disown %%
	read -t 20 -r "${variable?}" <&"$fd" || return 1
	exec {fd}>&-
}

# kill_actor PID: kill it and wait until it is gone.
kill_actor() {
	kill -KILL "$1"
	while [[ -e /proc/$1/exe ]]; do
		sleep 0.01
	done 2>/dev/null
}

# The value that process $1 has.
value() {
	cat "/proc/$1/oom_score_adj"
}

value_is() {
	local v
	v=$(value "$1")
	[[ $v == "$2" ]] || complain "process $1 has $v, not $2"
}

# isolated FUNCTION [ARG ...]: run FUNCTION of the test in a PID namespace of its
# own with its own /proc, so that no other process can be seen or changed.
isolated() {
	need_namespaces
	# shellcheck disable=SC2016 # the inner shell expands
	unshare --mount --pid --fork --kill-child --mount-proc \
		bash -c 'set -eE
			source "$1"
			cd "$2"
			shift 2
			"$@"' \
		isolated "$BATS_TEST_DIRNAME/common.bash" "$BATS_TEST_TMPDIR" \
		"$@" 3>&-
}

# fake PID NAME [UID [PPID [VALUE [LOGINUID]]]]: make a process of plain files
# in ./proc. Unlike real processes on this machine it can have a negative value.
# Without VALUE the caller adds oom_score_adj or oom_adj.
fake() {
	local dir=proc/$1 uid=${3:-0}
	mkdir -p "$dir"
	printf '/usr/sbin/%s\0-D\0' "$2" >"$dir/cmdline"
	printf '%.15s\n' "$2" >"$dir/comm"
	printf '%d (%.15s) S 1 %d %d 0 -1 4194560 0 0 0 0\n' "$1" "$2" "$1" \
		"$1" >"$dir/stat"
	printf 'Name:\t%.15s\nPid:\t%d\nPPid:\t%d\nUid:\t%d\t%d\t%d\t%d\nNSpid:\t%d\n' \
		"$2" "$1" "${4:-0}" "$uid" "$uid" "$uid" "$uid" "$1" \
		>"$dir/status"
	[[ -z ${5-} ]] || echo "$5" >"$dir/oom_score_adj"
	[[ -z ${6-} ]] || echo "$6" >"$dir/loginuid"
	ln -sf "/usr/sbin/$2" "$dir/exe"
}

# quote NAME: put NAME into $quoted, in double quotes as libconfuse reads them.
quote() {
	local name=$1 hex i
	if [[ $name != *[^A-Za-z0-9_.:/@%-]* ]]; then
		quoted="\"$name\""
		return
	fi
	quoted='"'
	for ((i = 0; i < ${#name}; i++)); do
		printf -v hex '%d' "'${name:i:1}"
		printf -v hex '\\x%02x' $((hex & 255))
		quoted+=$hex
	done
	quoted+='"'
}
