#!/usr/bin/env bats
# --timeout: a process whose files cannot be read doesn't hold up the run.
# shellcheck disable=SC2030,SC2031,SC2154 # out, err, pid are common.bash's

load common

timed_out() {
	[[ $err =~ ^oom_adjust:\ timed\ out\ after\ 1\ second\ reading\ process\ $1$ ]] ||
		complain "no such message for process $1"
}
export -f timed_out

@test "a read that blocks: status 1, the process, in time" {
	fake 10 one
	fake 11 two
	rm proc/11/cmdline
	mkfifo proc/11/cmdline
	config <<<"two 5"
	local before=$SECONDS
	adjust -c c.conf --proc proc --timeout 1
	[[ $((SECONDS - before)) -le 10 ]]
	status_is 1
	timed_out 11
}

@test "a read that blocks: status 2 if something was written before" {
	local pid
	for pid in 10 11 12 13; do
		fake $pid one
		echo 0 >proc/$pid/oom_score_adj
	done
	# the last process in the order of the directory
	# shellcheck disable=SC2012 # -U
	pid=$(ls -U proc | tail -1)
	rm "proc/$pid/cmdline"
	mkfifo "proc/$pid/cmdline"
	config <<<"one 5"
	adjust -c c.conf --proc proc --timeout 1
	status_is 2
	timed_out "$pid"
	[[ $(cat proc/*/oom_score_adj | grep -c 294) -eq 3 ]]
}

@test "a module that blocks: no process is blamed" {
	mkdir -p sys/module/lowmemorykiller/parameters
	mkfifo sys/module/lowmemorykiller/parameters/adj
	fake 10 one 0 1 0
	config <<<"lowmemorykiller { }"
	adjust -c c.conf --proc proc --sys sys --timeout 2
	status_is 1
	err_is "oom_adjust: timed out after 2 seconds"
}

@test "-k takes a --timeout" {
	config </dev/null
	mkfifo log
	adjust_by timeout 60 -- -k -c c.conf --timeout 1 log
	status_is 1
	err_is "oom_adjust: timed out after 1 second"
}

# Reading this real process waits in the kernel; only a signal that kills ends
# that. In a namespace, with which it ends. Until then, whatever walks the
# machine's /proc waits too. The lock on the root directory keeps that from the
# one test that cannot wait, which may run at the same time in another suite.
stuck_run() {
	local before lock
	exec {lock}</
	flock "$lock"
	"$HELPERS/stuck" 10 >stuck 2>stuck.err &
	while [[ ! -s stuck ]]; do
		kill -0 %% 2>/dev/null || {
			cat stuck.err >&2
			echo unavailable >stuck
			return 0
		}
		sleep 0.02
	done
	config <<<"process $MARK { oom_score_adj = $1 }"
	before=$SECONDS
	adjust -c c.conf --timeout 1
	[[ $((SECONDS - before)) -le 8 ]] || complain "too late"
	status_is "$2"
	timed_out "$(<stuck)"
}

stuck_nothing() {
	stuck_run 300 1
}

stuck_something() {
	actor pid "$MARK"
	stuck_run 300 2
	[[ $(<stuck) == unavailable ]] || value_is "$pid" 300
}
export -f stuck_run stuck_nothing stuck_something

@test "a process stuck in the kernel: status 1, and nothing stays behind" {
	not_under_valgrind
	[[ -e /dev/fuse ]] || skip "NOT RUN: needs FUSE"
	isolated stuck_nothing
	[[ $(<stuck) != unavailable ]] || skip "NOT RUN: $(<stuck.err)"
}

@test "a process stuck in the kernel: status 2 after a change" {
	not_under_valgrind
	[[ -e /dev/fuse ]] || skip "NOT RUN: needs FUSE"
	isolated stuck_something
	[[ $(<stuck) != unavailable ]] || skip "NOT RUN: $(<stuck.err)"
}

@test "no time-out without need" {
	config <<<"$MARK 5"
	actor pid "$MARK"
	adjust_by flock / -- -q -c c.conf --timeout 1
	status_is 0
	err_is ""
	value_is "$pid" 294
}
