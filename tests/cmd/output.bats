#!/usr/bin/env bats
# Standard output that cannot be written, standard descriptors that are closed.
# shellcheck disable=SC2034,SC2154 # out, err, pid are common.bash's

load common

@test "a full disk: status 1 if nothing was changed, else 2" {
	config <<<"$MARK 5"
	actor pid "$MARK"
	status=0 out=""
	"$OOM_ADJUST" -n -c c.conf >/dev/full 2>err || status=$?
	err=$(<err)
	status_is 1
	err_has "standard output" "No space left"
	value_is "$pid" 0
	status=0
	"$OOM_ADJUST" -c c.conf >/dev/full 2>err || status=$?
	err=$(<err)
	status_is 2
	err_has "standard output" "No space left"
	value_is "$pid" 294
	status=0
	"$OOM_ADJUST" -c c.conf >/dev/full 2>err || status=$?
	status_is 1
}

@test "a full disk: the other modes" {
	config <<<"$MARK 5"
	local option
	out=""
	for option in -t -h -V; do
		status=0
		"$OOM_ADJUST" $option -c c.conf >/dev/full 2>err || status=$?
		err=$(<err)
		status_is 1
		err_has "standard output"
	done
}

@test "nothing to print, nothing to fail" {
	config <<<"$MARK 5"
	"$OOM_ADJUST" -q -c c.conf >/dev/full
}

@test "a closed pipe is an error, no death by a signal" {
	config <<<"$MARK 5"
	actor pid "$MARK"
	local both end
	mkfifo pipe
	# Opened for both directions, because that does not wait.
	exec {both}<>pipe
	exec {end}>pipe
	exec {both}>&-
	out="" status=0
	"$OOM_ADJUST" -c c.conf 1>&"$end" 2>err || status=$?
	exec {end}>&-
	err=$(<err)
	status_is 2
	err_has "standard output" "Broken pipe"
	value_is "$pid" 294
}

@test "closed descriptors: the work is done, no file gets stray bytes" {
	not_under_valgrind
	local closed
	fake 10 one
	config <<<$'one 5\none 5'
	cp c.conf before
	for closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' \
		'<&- >&- 2>&-'; do
		echo 0 >proc/10/oom_score_adj
		status=0 out="" err=""
		eval '"$OOM_ADJUST" -v -c c.conf --proc proc' "$closed" \
			3>/dev/null || status=$?
		status_is 0
		[[ $(<proc/10/oom_score_adj) == 294 ]] ||
			complain "$closed: $(<proc/10/oom_score_adj)"
		cmp c.conf before
	done >log 2>&1
}

@test "closed descriptors: errors too" {
	not_under_valgrind
	fake 10 one
	mkdir proc/10/oom_score_adj
	config <<<"one 5"
	cp c.conf before
	find proc -type f -exec sha256sum {} + >sums
	status=0 out="" err=""
	"$OOM_ADJUST" -v -c c.conf --proc proc <&- >&- 2>&- || status=$?
	status_is 2
	cmp c.conf before
	sha256sum -c sums
}

@test "closed descriptors: no message goes into the module's file" {
	need_bare
	local dir=sys/module/lowmemorykiller/parameters
	mkdir -p "$dir"
	fake 10 one 0 1 0
	echo 0 >"$dir/adj"
	echo 9 >"$dir/minfree"
	config <<<"lowmemorykiller { }"
	# shellcheck disable=SC2016 # the inner shell expands
	adjust_by strace -f -o log -e trace=write \
		-e inject=write:retval=2:when=1 sh -c 'exec "$@" 2>&-' sh -- \
		-q -c c.conf --proc proc --sys sys
	status_is 2
	# Only the program's own write was tried, and strace swallowed it.
	[[ ! -s $dir/adj ]] || complain "$(<"$dir/adj")"
}
