#!/usr/bin/env bats
# The command line: usage, options that do not go together, exit statuses.

# shellcheck disable=SC2154 # out, err, pid are set by common.bash

load common

usage_error() {
	adjust "$@"
	status_is 1
	out_is ""
	err_has "$message" "oom_adjust"
}

@test "-h and --help print the usage on standard output" {
	local option
	for option in -h --help; do
		adjust $option
		status_is 0
		err_is ""
		out_has -c --config -n --dry-run -q --quiet -v --verbose -t --test \
			--timeout --proc --sys -h --help -V --version
	done
}

@test "-V and --version print the version" {
	local option
	for option in -V --version; do
		adjust $option
		status_is 0
		err_is ""
		[[ $out =~ ^oom_adjust\ [0-9] ]] || complain "no version"
		[[ $out != *$'\n'* ]] || complain "more than a line"
	done
}

@test "an unknown option is a usage error" {
	local message=""
	usage_error -x
	usage_error --nosuch
	usage_error --config
	usage_error -c
	usage_error --dry-run=yes
}

@test "modes exclude each other" {
	local message="" args
	config <<<"$MARK 5"
	for args in "-t -l" "-t -k" "-l -k" "-t -n" "-t -q" "-t -J" \
		"-l -q" "-l -v" "-k -n" "-k -q" "-k -v" "-q -v" "-J" \
		"-J -n" "-t $MARK" "-t c.conf"; do
		# shellcheck disable=SC2086 # several words
		usage_error -c c.conf $args
	done
}

@test "--timeout wants a number of seconds" {
	local message=timeout
	config <<<"$MARK 5"
	usage_error -c c.conf --timeout=-1
	usage_error -c c.conf --timeout=1x
	usage_error -c c.conf --timeout=
	usage_error -c c.conf --timeout=x
	usage_error -c c.conf --timeout=99999999999
	adjust -n -c c.conf --timeout 0
	status_is 0
	adjust -n -c c.conf --timeout=5
	status_is 0
}

@test "a name that no rule has is an error" {
	config <<<"$MARK 5"
	adjust -c c.conf nosuchname
	status_is 1
	err_has nosuchname
	out_is ""
	adjust -n -c c.conf "$MARK" nosuchname
	status_is 1
	err_has nosuchname
	adjust -n -c c.conf $'no\nsuch\e'
	status_is 1
	err_has 'no\nsuch\033'
}

@test "long options do what the short ones do" {
	config <<<"$MARK 5"
	adjust --config c.conf --test
	status_is 0
	out_is "c.conf: OK (1 rule)"
	adjust --config=c.conf --dry-run
	status_is 0
	out_has "(dry run)"
	adjust --config c.conf --quiet
	status_is 0
	out_is ""
	actor pid "$MARK"
	adjust --config c.conf --verbose
	status_is 0
	process_line "$pid" "(actor): 0 -> 294"
}

@test "options may follow the names, and -- ends them" {
	config <<-EOF
		process "-dash" { oom_adj = 5 }
		$MARK 5
	EOF
	actor pid "$MARK"
	adjust "$MARK" -c c.conf -n
	status_is 0
	out_has "  Setting $MARK to 5"
	adjust -c c.conf -n -- -dash
	status_is 0
	out_has "  Setting -dash to 5"
	value_is "$pid" 0
}

@test "a rule whose process does not run is no error" {
	config <<<"$MARK 5"
	adjust -c c.conf
	status_is 0
	err_is ""
	out_is "oom_adjust is setting oom_killer priorities
  Setting $MARK to 5
0 processes: 0 changed, 0 already set, 0 failed, 0 passed over"
}

@test "--proc that is no procfs, or not there, is an error before all else" {
	config <<<"$MARK 5"
	adjust -c c.conf --proc "$PWD/nosuch"
	status_is 1
	err_has nosuch "No such file"
	touch file
	adjust -c c.conf --proc file
	status_is 1
	err_has file "Not a directory"
}
