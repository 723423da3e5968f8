#!/usr/bin/env bats
# -k: who was killed, by which killer, and does a rule cover it now?

# shellcheck disable=SC2154 # set by common.bash

bats_require_minimum_version 1.5.0
load common

LOGS=$BATS_TEST_DIRNAME/../corpus/kills

# What jq makes of the JSON in out: a line per kill.
kills_of() {
	jq -r '.kills[] | [.time, .killer, .pid, .command, .uid, .rss, .adj] |
		map(if . == null then "null" else . end) | @tsv' "$1"
}

# A log of one kill of process 7 by the name of $1.
killed() {
	printf 'Out of memory: Killed process 7 (%s) total-vm:4kB, %s\n' "$1" \
		'anon-rss:4kB, UID:0 pgtables:4kB oom_score_adj:0'
}

@test "logs of many kernels" {
	config </dev/null
	for log in "$LOGS"/*.log; do
		adjust -kJ -c c.conf "$log"
		status_is 0
		err_is ""
		kills_of out >got
		diff -u "${log%.log}.kills" got || complain "$log"
	done
}

@test "the same from standard input, from files, in any order" {
	config </dev/null
	adjust -kJ -c c.conf - <"$LOGS/rhel-6.log"
	status_is 0
	kills_of out | diff "$LOGS/rhel-6.kills" -
	adjust -kJ -c c.conf "$LOGS/openvz-6.log" - <"$LOGS/rhel-6.log"
	status_is 0
	kills_of out | diff <(cat "$LOGS/openvz-6.kills" "$LOGS/rhel-6.kills") -
	[[ $(jq -r '.kills[0].log' out) == "$LOGS/openvz-6.log" ]]
	# neither seekable nor all there at once
	adjust -kJ -c c.conf <(cat "$LOGS/rhel-6.log")
	kills_of out | diff "$LOGS/rhel-6.kills" -
}

@test "a log that is given twice has each kill once" {
	config </dev/null
	for log in rhel-6 rhel-7 linux-4.19-group linux-6-journal android-2; do
		cp "$LOGS/$log.log" syslog
		adjust -kJ -c c.conf syslog "$LOGS/$log.log"
		status_is 0
		kills_of out | diff "$LOGS/$log.kills" - || complain "$log"
	done
}

@test "the table, the counts, the rules, the advice" {
	config <<-'EOF'
		# a comment
		sshd -17
		java 3
		process db { name = "/usr/sbin/mysqld" oom_score_adj = -500 }
		process "a-long-name-of-a-daemon" { oom_adj = 0 }
	EOF
	t='Nov 20 10:00:0'
	{
		killed java | sed "s/^/${t}1 host kernel: /"
		killed mysqld | sed "s/^/${t}2 host kernel: /"
		killed worker | sed "s/^/${t}3 host kernel: /"
		killed a-long-name-of- | sed "s/^/${t}4 host kernel: /"
		killed b-long-name-of- | sed "s/^/${t}5 host kernel: /"
		killed 'a b' | sed "s/^/${t}6 host kernel: /"
		killed java | sed "s/^/${t}9 host kernel: /"
	} >log
	adjust -k -c c.conf log
	status_is 0
	err_is ""
	sed 's/  */ /g; s/ $//' out >squeezed
	diff - <(sed '/^# Paste/,$d' squeezed) <<-'EOF'
		TIME KILLER PID COMMAND UID RSS ADJ RULE
		Nov 20 10:00:01 oom 7 java 0 4.0K 0 c.conf:3 3
		Nov 20 10:00:02 oom 7 mysqld 0 4.0K 0 c.conf:4 oom_score_adj -500
		Nov 20 10:00:03 oom 7 worker 0 4.0K 0 none
		Nov 20 10:00:04 oom 7 a-long-name-of- 0 4.0K 0 c.conf:5 0
		Nov 20 10:00:05 oom 7 b-long-name-of- 0 4.0K 0 none
		Nov 20 10:00:06 oom 7 a b 0 4.0K 0 none
		Nov 20 10:00:09 oom 7 java 0 4.0K 0 c.conf:3 3

		7 kills: 2 java, 1 "a b", 1 a-long-name-of-, 1 b-long-name-of-, 1 mysqld,
		 1 worker
		java: was killed at oom_score_adj 0, c.conf:3 says 176; has it now? oom_adjust -l
		mysqld: was killed at oom_score_adj 0, c.conf:4 says -500; has it now? oom_adjust -l

		# No rule in c.conf covers these:
		# b-long-name-of- 5 # perhaps cut: the kernel keeps 15 bytes of a name
		# worker 5
		# and 1 whose name has to be quoted, see oom_adjust.conf(5).
	EOF
}

@test "the advice: comments that can be pasted, and then be taken at its word" {
	config </dev/null
	# shellcheck disable=SC1003,SC2016 # names as they are
	{
		for name in java worker x.y_z-1 a:b 'a b' 'a#b' 'a=b' 'a{' 'b}' \
			'a(' 'a)' 'a+' 'a,b' 'a*' 'a"' "a'" 'a\' '$HOME' '~' \
			-17 --help /sbin/init kworker/0:1 $'a\tb' $'\xc3\xa4' \
			'`id`' process reset_inherited '' 17; do
			killed "$name"
		done
	} >log
	adjust -k -c c.conf log
	status_is 0
	awk -v RS= '{ block = $0 } END { print block }' out >advice
	grep -q '^# java 5$' advice
	# all of it is comments
	[[ -s advice ]]
	run ! grep -v '^#' advice
	cp advice c.conf
	adjust -t -c c.conf
	status_is 0
	out_is "c.conf: OK (0 rules)"
	# the lines for a rule, less their #
	sed -n 's/^# \([^ ]* [0-9-]*\)$/\1/p' advice >c.conf
	n=$(grep -c . c.conf)
	[[ $n -ge 4 ]]
	run ! grep -- ' -' c.conf
	adjust -t -c c.conf
	status_is 0
	out_is "c.conf: OK ($n rules)"
	# and now these names have rules
	adjust -kJ -c c.conf log
	jq -e '[.commands[] | select(.rule != null)] | length == '"$n" out
	jq -e '.commands[] | select(.command == "java") |
		.rule_value == 5 and .rule_scale == "oom_adj"' out
}

@test "no kill: says so, and no advice" {
	config </dev/null
	printf 'Nov 20 10:00:01 host kernel: Linux version 6.1.0\n' >log
	adjust -k -c c.conf log
	status_is 0
	err_is ""
	out_is "No kill in log"
	adjust -k -c c.conf log log
	out_is "No kill in 2 logs"
	adjust -kJ -c c.conf log
	status_is 0
	jq -e '.kills == [] and .commands == []' out
	adjust -k -c c.conf log missing
	status_is 1
	out_is "No kill in log"
	: >log
	adjust -k -c c.conf log
	status_is 0
	out_is "No kill in log"
}

@test "a log that cannot be read is an error; the others are read" {
	config </dev/null
	adjust -k -c c.conf missing "$LOGS/openvz-6.log" .
	status_is 1
	err_has "oom_adjust: missing: No such file or directory" \
		"oom_adjust: .: Is a directory"
	out_has "2 kills: 2 php-cgi"
	adjust -kJ -c c.conf missing
	status_is 1
	jq -e '.kills == []' out
}

@test "a packed log is an error that tells what to type" {
	config </dev/null
	gzip <"$LOGS/rhel-6.log" >kern.log.2.gz
	adjust -k -c c.conf kern.log.2.gz
	status_is 1
	out_is ""
	command='zcat kern.log.2.gz | oom_adjust -k -'
	err_has "oom_adjust: kern.log.2.gz: " "$command"
	oom_adjust() { "$OOM_ADJUST" -J -c c.conf "$@"; }
	eval "$command" >out
	kills_of out | diff "$LOGS/rhel-6.kills" -
	adjust -k -c c.conf - <kern.log.2.gz
	status_is 1
	err_has "oom_adjust: standard input: "
	printf 'LPKSHHRH\0\0\0' >system.journal
	adjust -k -c c.conf system.journal
	status_is 1
	err_has 'journalctl -k --file system.journal | oom_adjust -k -'
}

@test "hostile names: one line each, valid JSON, in any locale" {
	config </dev/null
	for locale in C C.UTF-8; do
		adjust_by env LC_ALL="$locale" -- -k -c c.conf \
			"$LOGS/hostile.log"
		status_is 0
		# nothing but printable characters
		run ! grep -n '[^ -~]' out
		[[ $(sed -n '/^TIME/,/^$/p' out | wc -l) -eq 8 ]]
		adjust_by env LC_ALL="$locale" -- -kJ -c c.conf \
			"$LOGS/hostile.log"
		kills_of out | diff "$LOGS/hostile.kills" -
		[[ $(jq '[.commands[].kills] | add' out) -eq 6 ]]
	done
	# every byte that a name can have
	for ((i = 1; i < 256; i++)); do
		[[ $i -eq 10 ]] || {
			printf -v octal '\\%03o' "$i"
			# shellcheck disable=SC2059 # the byte
			killed "$(printf "a${octal}b")"
		}
	done >log
	adjust_by env LC_ALL=C.UTF-8 -- -kJ -c c.conf log
	status_is 0
	[[ $(jq '.kills | length' out) -eq 254 ]]
	iconv -f UTF-8 -t UTF-8 out >/dev/null
}

@test "the width of a terminal" {
	config </dev/null
	printf '# a rule far down a long path\n%s 3\n' java >"$(printf '%050d' 0)"
	killed java | sed 's/^/Nov 20 10:00:01 host kernel: /' >log
	adjust -k -c "$(printf '%050d' 0)" log
	out_has "$(printf '%050d' 0):2 3"
	need_program script
	script -qec "stty cols 60; '$OOM_ADJUST' -k -c $(printf '%050d' 0) log" \
		/dev/null </dev/null >out
	sed -n '/^TIME/,/^\r*$/p' out | tr -d '\r' >table
	[[ $(wc -l <table) -eq 3 ]]
	run ! grep '.\{61\}' table
}

@test "many kills are still one table" {
	config </dev/null
	for ((i = 1; i <= 1500; i++)); do
		echo "[$((i * 10)).000000] Killed process $i (p$((i % 9)))"
	done >log
	adjust -k -c c.conf log
	status_is 0
	[[ $(grep -c '^TIME' out) -eq 1 ]]
	[[ $(sed -n '2,1501p' out | awk '{ print length }' | sort -u | wc -l) -eq 1 ]]
	out_has "1500 kills:"
}

@test "a long log takes no more memory than a short one" {
	need_bare
	need_program /usr/bin/time
	config </dev/null
	line='Nov 20 10:00:01 host app[1]: overkill: skilled, killed, Killing'
	kib() {
		/usr/bin/time -f %M -o rss "$OOM_ADJUST" -k -c c.conf - >out
		tail -n 1 rss
	}
	short=$({ yes "$line" | head -n 1000; cat "$LOGS/rhel-6.log"; } | kib)
	grep -q '^3 kills' out
	long=$({
		yes "$line" | head -n 1500000
		head -c 50000000 /dev/zero
		echo
		cat "$LOGS/rhel-6.log"
	} | kib)
	grep -q '^3 kills' out
	[[ $long -le $((short + 512)) ]] || complain "$short KiB, then $long KiB"
}

@test "writing to a full disk is an error" {
	[[ -c /dev/full ]] || skip "NOT RUN: no /dev/full"
	config </dev/null
	status=0
	"$OOM_ADJUST" -k -c c.conf "$LOGS/rhel-6.log" >/dev/full 2>err ||
		status=$?
	status_is 1
	[[ -s err ]]
}

@test "/dev/kmsg may be forbidden" {
	need_root
	open_directory
	config </dev/null
	chmod 644 c.conf
	[[ $(stat -c %a /dev/kmsg) != 6[04][04] ||
		$(</proc/sys/kernel/dmesg_restrict) -eq 1 ]] ||
		skip "NOT RUN: everybody may read /dev/kmsg here"
	adjust_by "${NOBODY[@]}" -- -k -c c.conf
	status_is 1
	out_is ""
	err_has "oom_adjust: /dev/kmsg: " "dmesg_restrict"
}

# In a memory cgroup of 32 MiB: fill memory, be killed. Prints the PID.
memcg_kill() {
	local group
	if [[ -f /sys/fs/cgroup/memory/memory.limit_in_bytes ]]; then
		group=/sys/fs/cgroup/memory/$MARK
		mkdir "$group" || return 1
		echo 32M >"$group/memory.limit_in_bytes"
	else
		group=/sys/fs/cgroup/$MARK
		mkdir "$group" || return 1
		[[ -f $group/memory.max ]] || {
			rmdir "$group"
			return 1
		}
		echo 32M >"$group/memory.max"
		[[ ! -f $group/memory.swap.max ]] ||
			echo 0 >"$group/memory.swap.max"
	fi
	# shellcheck disable=SC2016 # the inner shell expands
	bash -c 'echo $$ >"$1/cgroup.procs"
		echo 300 >/proc/self/oom_score_adj
		printf %s "$2" >/proc/self/comm
		echo $$
		x=$(head -c 200000000 /dev/zero | tr "\0" x)' \
		bash "$group" "$MARK" 3>&- || true
	for ((i = 0; i < 100; i++)); do
		rmdir "$group" 2>/dev/null && return 0
		sleep 0.05
	done
}

@test "a real kill, from the kernel's own log" {
	need_root
	(: </dev/kmsg) 2>/dev/null || skip "NOT RUN: /dev/kmsg cannot be read"
	grep -qw memory /proc/cgroups /sys/fs/cgroup/cgroup.controllers \
		2>/dev/null || skip "NOT RUN: no memory cgroup controller"
	config <<-EOF
		process "$MARK" { oom_adj = 4 }
	EOF
	memcg_kill >victim 2>/dev/null ||
		skip "NOT RUN: no memory cgroup can be made here"
	read -r pid <victim
	adjust -kJ -c c.conf
	status_is 0
	jq -e --arg c "$MARK" '.kills[] | select(.command == $c)' out >row ||
		complain "the kill of $pid is not there"
	# the log has the PID of the first namespace: in another it isn't known
	[[ $(readlink /proc/self/ns/pid) == "pid:[4026531836]" ]] ||
		pid=$(jq .pid row)
	jq -es --argjson pid "$pid" 'length == 1 and (.[0] |
		.pid == $pid and .killer == "memcg" and .log == "/dev/kmsg" and
		.rule == "c.conf:1" and .rule_value == 4 and .rss > 0 and
		(.time | test("^[0-9]+[.][0-9]{6}$")))' row ||
		complain "$(<row)"
	# since Linux 5.4 the kernel says all of it
	[[ $(uname -r) =~ ^[234]\. ]] ||
		jq -e '.uid == 0 and .adj == 300 and
			.adj_scale == "oom_score_adj"' row ||
		complain "$(<row)"
	# the same as dmesg tells it
	if command -v dmesg >/dev/null && dmesg >dmesg.log 2>/dev/null; then
		adjust -kJ -c c.conf dmesg.log
		status_is 0
		jq -e --arg c "$MARK" '.kills[] | select(.command == $c)' out |
			jq 'del(.log)' >dmesg.row
		diff <(jq 'del(.log)' row) dmesg.row
	fi
	adjust -k -c c.conf
	out_has "$MARK" "a memory cgroup reached its own limit"
}
