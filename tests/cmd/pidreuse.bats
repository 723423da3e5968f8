#!/usr/bin/env bats
# PID reuse between matching and writing, made to happen at every system call.

load common

# reuse [-p]: run tests/helpers/pidreuse and split its figures.
reuse() {
	need_namespaces
	need_bare
	config <<<'process reused { oom_score_adj = 500 }'
	"$HELPERS/pidreuse" "$@" "$OOM_ADJUST" -q -c "$PWD/c.conf" \
		>figures 2>log 3>&- || {
		cat log >&2
		return 1
	}
	cat figures log >&2
	boundaries=$(sed -n 's/^boundaries //p' figures)
	window=$(sed -n 's/^window //p' figures)
	strangers=$(sed -n 's/^strangers //p' figures)
	failures=$(sed -n 's/^failures //p' figures)
}

@test "no stranger is ever written, and that is no error" {
	reuse
	[[ $strangers -eq 0 ]]
	[[ $failures -eq 0 ]]
	# It was stopped between match, open, read and write.
	[[ $window -ge 10 ]]
	[[ $boundaries -gt $window ]]
}

@test "without the descriptor of /proc/PID a stranger would be written" {
	reuse -p
	[[ $strangers -gt 0 ]]
	[[ $window -ge 10 ]]
}
