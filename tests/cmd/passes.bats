#!/usr/bin/env bats
# Processes that fork while the run goes on: /proc is walked until a pass
# changes nothing, five times at most.

load common

# fork_along N: run oom_adjust with a process that forks N children, one after
# each write, which is made slow enough for that.
fork_along() {
	local line
	config <<<'process forks { oom_score_adj = 300 }'
	mkfifo ready
	"$HELPERS/forker" "$1" >ready &
	read -r line <ready
	[[ $line == ready ]]
	adjust_by strace -f -o log -e trace=write \
		-e inject=write:delay_exit=100000 -- -c c.conf
	for ((n = 0; n < $1; n++)); do
		cat /proc/$((400 - n))/oom_score_adj 2>/dev/null ||
			echo none
	done >values
}
export -f fork_along

@test "a child that is forked after the walk has passed is found" {
	need_bare
	isolated fork_along 3
	[[ $(tr '\n' ' ' <values) == "300 300 300 " ]]
	grep -Fxq "3 processes: 3 changed, 0 already set, 0 failed, 0 passed over" \
		out
}

@test "after five passes it is left at that" {
	need_bare
	isolated fork_along 8
	[[ $(tr '\n' ' ' <values) == "300 300 300 300 300 0 none "* ]] ||
		complain "$(<values)"
}

@test "a run with nothing to change walks once" {
	need_bare
	need_root
	local walks
	config <<<"$MARK 5"
	actor pid "$MARK"
	adjust -q -c c.conf
	adjust_by strace -f -o log -e trace=getdents64 -- -c c.conf
	status_is 0
	out_has "1 already set"
	# A walk ends when getdents64 returns 0.
	walks=$(grep -c '= 0$' log)
	[[ $walks -eq 1 ]] || complain "$walks walks"
}
