#!/usr/bin/env bats
# What is printed, and what a run does with the config of the shell script.
# shellcheck disable=SC2154 # out, err, pid are set by common.bash

load common

@test "the shell script's config loads as it is: 17 rules" {
	cp "$TOP/tests/cmd/reference.conf" c.conf
	adjust -t -c c.conf
	status_is 0
	err_is ""
	out_is "c.conf: OK (17 rules)"
}

@test "the shell script's config prints the shell script's lines" {
	cp "$TOP/tests/cmd/reference.conf" c.conf
	adjust -n -c c.conf
	status_is 0
	[[ $(head -1 out) == "oom_adjust is setting oom_killer priorities (dry run)" ]]
	sed -n 's/^\([a-z0-9-]*\) \([0-9-]*\)$/  Setting \1 to \2/p' c.conf >want
	[[ $(wc -l <want) -eq 17 ]]
	grep '^  Setting' out >have
	cmp want have
}

# In a namespace, because real daemons may have these names.
reference_run() {
	cp "$TOP/tests/cmd/reference.conf" c.conf
	local name
	local -A pid
	for name in apache2 searchd memcached mongod smtpd snmpd ntpd pickup \
		qmgr pure-ftpd-mysql; do
		actor "pid[$name]" "/usr/sbin/$name"
	done
	actor other sshd-session
	adjust -c c.conf
	status_is 0
	err_is ""
	value_is "${pid[apache2]}" 0
	value_is "${pid[searchd]}" 176
	value_is "${pid[memcached]}" 176
	value_is "${pid[mongod]}" 294
	value_is "${pid[smtpd]}" 294
	for name in snmpd ntpd pickup qmgr pure-ftpd-mysql; do
		value_is "${pid[$name]}" 588
	done
	value_is "$other" 0
	[[ $(tail -1 out) == "10 processes: 9 changed, 1 already set, 0 failed, 0 passed over" ]]
	adjust -c c.conf
	status_is 0
	[[ $(tail -1 out) == "10 processes: 0 changed, 10 already set, 0 failed, 0 passed over" ]]
}
export -f reference_run

@test "the shell script's config sets what the shell script sets" {
	isolated reference_run
}

@test "lines come in the order of the file, with title and scale" {
	config <<-EOF
		zeta 3
		process jenkins {
			name = "java"
			cmdline = "nosuch\\\\.war"
			oom_score_adj = 300
		}
		alpha 2
		process "java" { oom_adj = -4 }
		process beta { oom_score_adj = 7 }
		alpha 4
	EOF
	adjust -n -c c.conf
	status_is 0
	out_has "  Setting zeta to 3
  Setting java to 300 (jenkins, oom_score_adj)
  Setting alpha to 2
  Setting java to -4
  Setting beta to 7 (oom_score_adj)
  Setting alpha to 4"
}

@test "a run, a second run, a dry run" {
	config <<<"$MARK 5"
	actor pid "$MARK"
	actor b "$MARK"
	adjust -c c.conf -n
	status_is 0
	err_is ""
	value_is "$pid" 0
	out_has "priorities (dry run)" "  Setting $MARK to 5" \
		"2 processes: 2 would be changed, 0 already set, 0 failed, 0 would be passed over"
	process_line "$pid" "(actor): 0 -> 294"
	process_line "$b" "(actor): 0 -> 294"
	adjust -c c.conf
	status_is 0
	err_is ""
	out_is "oom_adjust is setting oom_killer priorities
  Setting $MARK to 5
2 processes: 2 changed, 0 already set, 0 failed, 0 passed over"
	value_is "$pid" 294
	value_is "$b" 294
	adjust -v -c c.conf
	status_is 0
	process_line "$pid" "(actor): 294 already"
	out_has "2 processes: 0 changed, 2 already set, 0 failed, 0 passed over"
	kill_actor "$b"
	adjust -c c.conf
	out_has "1 process: 0 changed, 1 already set, 0 failed, 0 passed over"
}

@test "a second run opens nothing for writing" {
	need_bare
	config <<<"$MARK 5"
	actor pid "$MARK"
	adjust -c c.conf
	status_is 0
	adjust_by strace -f -o log -e trace=file,write -- -c c.conf
	status_is 0
	out_has "1 already set"
	! grep -E 'O_WRONLY|O_RDWR|O_CREAT|O_TRUNC' log | grep -v '"/dev/null"' ||
		complain "opened for writing"
	grep -Eq 'open.*oom_score_adj' log
	# Nothing is written but standard output and standard error.
	! grep -E 'write\(' log | grep -Ev 'write\([12],' ||
		complain "written"
}

@test "-n opens nothing for writing" {
	need_bare
	config <<<"$MARK 5"
	actor pid "$MARK"
	adjust_by strace -f -o log -e trace=file,write -- -n -c c.conf
	status_is 0
	! grep -E 'O_WRONLY|O_RDWR|O_CREAT|O_TRUNC' log | grep -v '"/dev/null"' ||
		complain "opened for writing"
	value_is "$pid" 0
}

@test "-q is silent when all is well" {
	config <<<"$MARK 5"
	actor pid "$MARK"
	adjust -q -c c.conf
	status_is 0
	out_is ""
	err_is ""
	value_is "$pid" 294
}

@test "a process that can be lowered again, down to 0" {
	need_service
	actor pid -o 700 "$MARK"
	config <<<"process $MARK { oom_score_adj = 100 }"
	adjust -v -c c.conf
	status_is 0
	process_line "$pid" "(actor): 700 -> 100"
	value_is "$pid" 100
	config <<<"$MARK 0"
	adjust -v -c c.conf
	process_line "$pid" "(actor): 100 -> 0"
	value_is "$pid" 0
}

@test "NAME: only what a rule of that name or title decides is written" {
	config <<-EOF
		${MARK}a 1
		${MARK}b 2
		process title {
			name = "${MARK}c"
			oom_adj = 3
		}
		process other {
			name = "${MARK}c"
			cmdline = "special"
			oom_adj = 4
		}
	EOF
	actor a "${MARK}a"
	actor b "${MARK}b"
	actor c "${MARK}c"
	actor d "${MARK}c" special
	adjust -c c.conf "${MARK}b"
	status_is 0
	out_is "oom_adjust is setting oom_killer priorities
  Setting ${MARK}b to 2
1 process: 1 changed, 0 already set, 0 failed, 0 passed over"
	value_is "$a" 0
	value_is "$b" 117
	value_is "$c" 0
	# All rules take part in deciding: another rule decides for d.
	adjust -c c.conf title
	status_is 0
	out_has "  Setting ${MARK}c to 3 (title)" "1 process: 1 changed"
	value_is "$c" 176
	value_is "$d" 0
	adjust -c c.conf "${MARK}c" "${MARK}a"
	status_is 0
	value_is "$a" 58
	value_is "$d" 235
}

@test "hostile names are shown escaped" {
	local name=$'x\e[31m\n\t\xff\\'
	actor pid -c "$name" "$MARK"
	config <<<"$MARK 5"
	adjust -v -c c.conf
	status_is 0
	[[ $out != *$'\e'* && $out != *$'\xff'* ]] || complain "raw bytes"
	[[ $(wc -l <out) -eq 4 ]] || complain "more lines"
	process_line "$pid" '(x\033[31m\n\t\377\\): 0 -> 294'
}

@test "hostile titles and names of rules are shown escaped" {
	config <<<'process "a\x1b[31m\n  Setting b to 1\xff" { oom_adj = 5 }'
	adjust -n -c c.conf
	status_is 0
	[[ $out != *$'\e'* && $out != *$'\xff'* ]] || complain "raw bytes"
	[[ $(wc -l <out) -eq 3 ]] || complain "more lines"
}

@test "hostile names on standard error are shown escaped" {
	need_root
	actor pid -c $'x\e[31m\nz' "$MARK"
	config <<<"$MARK -5"
	adjust_by setpriv --bounding-set -sys_resource -- -q -c c.conf
	status_is 2
	[[ $err != *$'\e'* ]] || complain "raw bytes"
	[[ $(wc -l <err) -eq 1 ]] || complain "more lines"
	err_has 'x\033[31m\nz'
}

@test "many processes of one rule" {
	local i
	config <<<"$MARK 5"
	for ((i = 0; i < 30; i++)); do
		actor pid "$MARK"
	done
	adjust -v -c c.conf
	status_is 0
	[[ $(grep -c '(actor): 0 -> 294$' out) -eq 30 ]]
	out_has "30 processes: 30 changed"
}
