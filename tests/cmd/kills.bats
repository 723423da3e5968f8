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
	# a log after standard input is not it, though it may take its descriptor
	adjust -kJ -c c.conf - "$LOGS/openvz-6.log" - <"$LOGS/rhel-6.log"
	status_is 0
	[[ $(jq -r '.kills[-1].log' out) == "$LOGS/openvz-6.log" ]]
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

@test "the table, the counts, the rules" {
	config <<-'EOF'
		# a comment
		sshd -17
		java 3
		process db { name = "/usr/sbin/mysqld" oom_score_adj = -500 }
		process "a-long-name-of-a-daemon" { oom_adj = 0 }
		process j { name = "java" oom_adj = 3 user = {root} }
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
	diff - squeezed <<-'EOF'
		TIME KILLER PID COMMAND UID RSS ADJ RULE
		Nov 20 10:00:01 oom 7 java 0 4.0K 0 c.conf:6 3
		Nov 20 10:00:02 oom 7 mysqld 0 4.0K 0 c.conf:4 oom_score_adj -500
		Nov 20 10:00:03 oom 7 worker 0 4.0K 0 none
		Nov 20 10:00:04 oom 7 a-long-name-of- 0 4.0K 0 c.conf:5 0
		Nov 20 10:00:05 oom 7 b-long-name-of- 0 4.0K 0 none
		Nov 20 10:00:06 oom 7 a b 0 4.0K 0 none
		Nov 20 10:00:09 oom 7 java 0 4.0K 0 c.conf:6 3

		7 kills: 2 java, 1 "a b", 1 a-long-name-of-, 1 b-long-name-of-, 1 mysqld, 1 worker
		No rule matches: "a b", b-long-name-of-, worker
		 What to do: see AFTER AN OOM KILL in oom_adjust(8).
	EOF
}

@test "a rule for a user who does not exist is none; scales are not mixed" {
	config <<-'EOF'
		java 3
		process j { name = "java" oom_adj = 9 user = {nosuchuser} }
		other 3
	EOF
	killed java | sed 's/adj:0/adj:176/' >log
	printf 'send sigkill to 5 (other), adj 3, size 10\n' >>log
	adjust -k -c c.conf log
	status_is 0
	out_has "c.conf:1 3" "c.conf:3 3"
	out_lacks "No rule"
}

@test "who used the memory" {
	config </dev/null
	adjust -k -c c.conf "$LOGS/rhel-6.log"
	status_is 0
	out_has "Jul 15 23:46:05  1945 (mongod): mongod 15G, crond 608K, udevd 4.0K" \
		"Jul 15 23:46:08  16944 (mingetty): init 1.5M, mingetty 60K"
	[[ $(grep -c '(mongod): ' out) -eq 1 ]]
	# a mail program lost the line that begins a report; many of one name
	{
		echo '[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name'
		for ((i = 100; i < 140; i++)); do
			echo "[  $i]    33   $i    90000     7000      12        0             0 apache2"
		done
		echo '[  200]    27   200    90000   310000      12        0             0 mysqld'
		echo '[  201]    27   201    90000    75000      12        0             0 java'
		echo '[  202]    27   202    90000    74000      12        0             0 no'
		echo 'Killed process 201 (java)'
	} >log
	adjust -kJ -c c.conf log
	jq -e '.kills | length == 1 and (.[0] |
		.biggest == "mysqld 1.2G, apache2 1.1G in 40 processes, java 293M" and
		.uid == 27 and .rss == 75000 * 4096 and .adj == 0)' out
	# of a table that a mail program broke, the rest is not the biggest
	sed '/mysqld/s/ mysqld/\n&/' log >broken
	adjust -kJ -c c.conf broken
	jq -e '.kills | length == 1 and (.[0] | .biggest == null and .uid == 27)' out
	# who was killed may have no process id
	{
		head -n -1 log
		echo 'VM: killing process java'
	} >vm
	adjust -k -c c.conf vm
	out_has "  - (java): mysqld 1.2G"
	# once for each report, however many were killed in it
	echo 'Killed process 200 (mysqld)' >>log
	adjust -k -c c.conf log
	out_has "2 kills: "
	[[ $(grep -c 'mysqld 1.2G, apache2 1.1G' out) -eq 1 ]]
}

@test "kills in user space are counted in one line" {
	config </dev/null
	{
		t='Nov 20 10:00:01 host'
		echo "$t systemd-oomd[7]: Killed /a/b due to memory pressure for /a"
		echo "$t systemd-oomd[7]: Killed /a/c due to memory pressure for /a"
		echo "$t earlyoom[8]: sending SIGTERM to process 12 uid 5 \"x\": badness 9"
		killed java | sed "s/^/$t kernel: /"
		echo "$t earlyoom[8]: sending SIGKILL to process 12 uid 5 \"x\": badness 9"
	} >log
	adjust -k -c c.conf log log
	status_is 0
	out_has "1 kill: 1 java"
	out_has "In user space, by rules of their own: 2 by systemd-oomd, 1 by earlyoom"
}

@test "no kill: says so" {
	config </dev/null
	printf 'Nov 20 10:00:01 host kernel: Linux version 6.1.0\n' >log
	adjust -k -c c.conf log
	status_is 0
	err_is ""
	out_is "no OOM kill found in log"
	adjust -k -c c.conf log log
	out_is "no OOM kill found in 2 logs"
	adjust -kJ -c c.conf log
	status_is 0
	jq -e '.kills == []' out
	adjust -k -c c.conf log missing
	status_is 1
	out_is "no OOM kill found in log"
	: >log
	adjust -k -c c.conf log
	status_is 0
	out_is "no OOM kill found in log"
	echo 'Out of memory: Kill process 12 (x) score 9 or sacrifice child' >log
	adjust -k -c c.conf log
	status_is 0
	out_has "no OOM kill found in log" "announced" "not reported as done"
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
	jq -cR '{ __CURSOR: "s=1", _TRANSPORT: "kernel", MESSAGE: . }' \
		"$LOGS/openvz-6.log" >log.json
	adjust -k -c c.conf log.json
	status_is 1
	out_is ""
	command="jq -r 'select(._TRANSPORT == \"kernel\").MESSAGE' log.json | oom_adjust -k -"
	err_has "oom_adjust: log.json: not text" "$command"
	eval "$command" >out
	kills_of out | diff "$LOGS/openvz-6.kills" -
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

@test "of many kills the newest 1,000 are shown, and all are counted once" {
	config </dev/null
	for ((i = 1; i <= 1500; i++)); do
		echo "[$((i * 10)).000000] Killed process $i (p$((i % 9)))"
	done >log
	adjust -k -c c.conf log
	status_is 0
	[[ $(grep -c '^TIME' out) -eq 1 ]]
	[[ $(sed -n '2,1001p' out | awk '{ print length }' | sort -u | wc -l) -eq 1 ]]
	[[ $(sed -n '2p' out) == 5010.000000* ]]
	out_has "1500 kills, the newest 1000 shown: "
	adjust -k -c c.conf log log
	out_has "1500 kills, the newest 1000 shown: "
	adjust -kJ -c c.conf log
	jq -e '.kills | length == 1000 and .[999].pid == 1500' out
}

@test "a kill that is tried again is one: within a second, or five" {
	local i
	config </dev/null
	for i in '01 1 kill: 1 x' '02 2 kills: 2 x'; do
		printf 'Nov 20 10:00:%s host kernel: Killed process 7 (x)\n' 00 "${i%% *}" >log
		adjust -k -c c.conf log
		out_has "${i#* }"
	done
	for i in '05 1 kill: 1 x' '06 2 kills: 2 x'; do
		printf "Nov 20 10:00:%s host kernel: Killing 'x' (7), adj 900,\n" 00 "${i%% *}" >log
		adjust -k -c c.conf log
		out_has "${i#* }"
	done
}

@test "two lines about one kill, with many others between" {
	config </dev/null
	{
		echo "[10.000000] Killed process 5 (x)"
		for ((i = 100; i < 150; i++)); do
			echo "[10.100000] Killed process $i (y)"
		done
		echo "[10.200000] Killed process 5 (x)"
	} >log
	adjust -k -c c.conf log
	out_has "51 kills: 50 y, 1 x"
	# on both sides of an hour, where no day is told
	printf '%s Killed process 5 (x)\n' '[Fri 11:59:59]' '[Fri 12:00:00]' >log
	adjust -k -c c.conf log
	out_has "1 kill: 1 x"
}

@test "under 8 MiB of memory, whatever the log" {
	[[ -z ${OOM_ADJUST_WRAPPED:-} ]] ||
		skip "NOT RUN: a wrapper takes memory of its own"
	need_program /usr/bin/time
	config </dev/null
	line='Nov 20 10:00:01 host app[1]: overkill: skilled, killed, Killing'
	kib_is_low() {
		/usr/bin/time -f %M -o rss "$OOM_ADJUST" -k -c c.conf - >out
		[[ $(tail -n 1 rss) -lt 8192 ]] || complain "$(tail -n 1 rss) KiB"
	}
	{
		yes "$line" | head -n 1500000
		head -c 50000000 /dev/zero
		echo
		cat "$LOGS/rhel-6.log"
	} | kib_is_low
	grep -q '^3 kills' out
	# a table of tasks, and many kills after it
	awk 'BEGIN {
		print "x invoked oom-killer: gfp_mask=0xd0"
		print "[ pid ] uid tgid total_vm rss oom_score_adj name"
		for (i = 1; i < 12000; i++)
			print "[" i "] 0 " i " 9 9 0 n" i
		for (i = 1; i <= 200000; i++)
			print "Killed process " i " (n" i ")"
	}' | kib_is_low
	grep -q '^200000 kills' out
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

@test "the kernel's log by any name; a FIFO waits for its writer" {
	need_root
	[[ -r /dev/kmsg ]] || skip "NOT RUN: /dev/kmsg cannot be read"
	config </dev/null
	ln -s /dev/kmsg link
	adjust_by timeout 60 -- -k -c c.conf link
	status_is 0
	if mknod node c 1 11 2>/dev/null && [[ -r node ]]; then
		adjust_by timeout 60 -- -k -c c.conf node
		status_is 0
	fi
	adjust_by timeout 60 -- -k -c c.conf - </dev/kmsg
	status_is 0
	# the first record of the boot has number 0
	if [[ $(dd if=/dev/kmsg iflag=nonblock bs=8192 count=1 2>/dev/null) == *,0,*\;* ]]; then
		out_lacks overwritten
	else
		out_has overwritten
	fi
	mkfifo fifo
	{ while [[ ! -e go ]]; do sleep 0.01; done; killed java >fifo; } 3>&- &
	touch go
	adjust_by timeout 60 -- -k -c c.conf fifo
	status_is 0
	out_has "1 kill: 1 java"
}

# In a memory cgroup of 32 MiB: fill memory under the name $1, be killed. Prints
# the PID.
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
	# shellcheck disable=SC2016 # perl expands
	perl -e 'sub put {
			open my $file, ">", $_[0] or die;
			syswrite $file, $_[1];
		}
		put("$ARGV[0]/cgroup.procs", $$);
		put("/proc/self/oom_score_adj", 300);
		put("/proc/self/comm", $ARGV[1]);
		syswrite STDOUT, "$$\n";
		$x = "x" x 200_000_000' "$group" "$1" 3>&- || true
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
	memcg_kill "$MARK" >victim 2>/dev/null ||
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
	out_has " memcg " "$MARK"
}

@test "a real kill of a process with a newline in its name" {
	need_root
	[[ -r /dev/kmsg ]] || skip "NOT RUN: /dev/kmsg cannot be read"
	config </dev/null
	name=oat$'\n'${MARK#oat}
	memcg_kill "$name" >victim 2>/dev/null ||
		skip "NOT RUN: no memory cgroup can be made here"
	shown=${name/$'\n'/\\n}
	adjust -kJ -c c.conf
	status_is 0
	jq -es --arg c "$shown" '.[0].kills | map(select(.command == $c)) |
		length == 1 and (.[0] | .killer == "memcg" and .uid == 0 and
		.adj == 300)' out
	command -v dmesg >/dev/null && dmesg >dmesg.log 2>/dev/null || return 0
	adjust -kJ -c c.conf dmesg.log
	jq -es --arg c "$shown" '.[0].kills | map(select(.command == $c)) |
		length == 1 and (.[0] | .killer == "memcg" and .rss > 0 and
		.adj == 300)' out ||
		complain "$(grep -A 1 '(oat$' dmesg.log)"
}
