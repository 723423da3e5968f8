#!/usr/bin/env bats
# -l: what the kernel would kill next, and whether the rules have been applied.

# shellcheck disable=SC2154 # set by common.bash and actor

bats_require_minimum_version 1.5.0
load common

# Print the row of process $1 as JSON.
row() {
	jq -e ".processes[] | select(.pid == $1)" out
}

# fake_victim PID NAME SCORE ADJ RSS [SWAP [TABLES [UID]]]: make a fake process;
# RSS, SWAP and TABLES are in kilobytes.
fake_victim() {
	fake "$1" "$2" "${8:-0}" 0 "$4"
	echo "$3" >"proc/$1/oom_score"
	printf '%s\t%8d kB\n' VmRSS: "$5" VmPTE: "${7:-0}" VmSwap: "${6:-0}" \
		>>"proc/$1/status"
}

# The list consists of these processes, in this order.
pids_are() {
	local pids
	pids=$(jq -r '.processes[].pid' out | paste -sd ' ')
	[[ $pids == "$*" ]] || complain "pids are $pids, not $*"
}

field_is() {
	local v
	v=$(row "$1" | jq -r ".$2")
	[[ $v == "$3" ]] || complain "process $1: $2 is $v, not $3"
}

@test "a row for each process that a rule decides, in any state" {
	actor same -o 176 "$MARK-same"
	actor differs "$MARK-differs"
	config <<-EOF
		$MARK-same 3
		process "$MARK" { name = "$MARK-differs" oom_score_adj = 300 }
	EOF
	adjust -lJ -c c.conf
	status_is 0
	err_is ""
	field_is "$same" adj 176
	field_is "$same" want 176
	field_is "$same" rule c.conf:1
	field_is "$same" user "$(id -un)"
	field_is "$same" score "$(cat "/proc/$same/oom_score")"
	field_is "$same" command "$(cat "/proc/$same/comm")"
	field_is "$differs" adj 0
	field_is "$differs" want 300
	field_is "$differs" rule c.conf:2
	rss=$(awk '/^VmRSS/ { print $2 * 1024 }' "/proc/$same/status")
	shown=$(row "$same" | jq .rss)
	((shown > rss / 2 && shown < rss * 2))
	# Nothing was changed by looking.
	value_is "$differs" 0
}

@test "what differs stands out: a mark, and on a terminal red" {
	actor same -o 176 "$MARK-same"
	actor differs "$MARK-differs"
	printf '%s 3\n' "$MARK-same" "$MARK-differs" >c.conf
	adjust -l -c c.conf "$MARK-same" "$MARK-differs"
	status_is 0
	[[ $(grep -c . out) -eq 3 ]]
	grep -qE "^ *$differs .* 0 +176 ! c.conf:2 " out
	grep -qE "^ *$same .* 176 +176 +c.conf:1 " out
	[[ $out != *$'\e'* ]]

	adjust -l --color=always -c c.conf "$MARK-same" "$MARK-differs"
	grep -q $'\e\[31m'".*$differs" out
	run ! grep -q $'\e\[31m'".* $same " out
	NO_COLOR=1 adjust -l --color=always -c c.conf "$MARK-differs"
	[[ $out == *$'\e'* ]]
	adjust -l --color=never -c c.conf "$MARK-differs"
	[[ $out != *$'\e'* ]]
	adjust -l --color=green -c c.conf
	status_is 1
	err_has green

	need_program script
	script -qec "'$OOM_ADJUST' -l -c c.conf $MARK-differs" typed >/dev/null
	grep -q $'\e\[31m' typed
	NO_COLOR=1 script -qec "'$OOM_ADJUST' -l -c c.conf $MARK-differs" \
		typed >/dev/null
	run ! grep -q $'\e\[31m' typed
}

@test "the kernel's order: the highest score first" {
	for adj in 100 500 300; do
		actor pid -o "$adj" "$MARK-$adj"
		printf '%s 0\n' "$MARK-$adj" >>c.conf
		eval "p$adj=$pid"
	done
	adjust -lJ -c c.conf "$MARK-100" "$MARK-300" "$MARK-500"
	[[ $(jq -c '[.processes[].pid]' out) == "[$p500,$p300,$p100]" ]]
	# Of the whole machine too, and no more than ten that have no rule.
	adjust -lJ -c c.conf
	jq -e '[.processes[].score] == ([.processes[].score] | sort | reverse)' \
		out
	jq -e '[.processes[] | select(.rule == null)] | length <= 10' out
	jq -e '[.processes[].pid] | length == (unique | length)' out
}

@test "passed over is shown, and is not wanted" {
	need_root
	actor user -u 54321 "$MARK"
	config <<<"$MARK -17"
	adjust -lJ -c c.conf "$MARK"
	field_is "$user" user 54321
	field_is "$user" want null
	field_is "$user" rule c.conf:1
	field_is "$user" passed_over user
	adjust -l -c c.conf "$MARK"
	out_has "(user) c.conf:1"
	out_lacks '!'
}

@test "as an ordinary user" {
	need_root
	open_directory
	actor pid -u 65534 -o 58 "$MARK"
	echo "$MARK 1" >c.conf
	adjust_by "${NOBODY[@]}" -- -l -c c.conf "$MARK"
	status_is 0
	err_is ""
	grep -qE "^ *$pid nobody .* 58 +58 +c.conf:1 " out
}

@test "any name makes valid JSON and one line of the table" {
	local name names=($'a\nb' $'\xff\xfe' 'q"uo\te' $'\e[31m' $'\xc3\xa9' 'a)b'
		$'\x7f' '\u0000')
	for name in "${names[@]}"; do
		actor pid -c "$name" "$MARK"
	done
	config <<<"$MARK 5"
	adjust -lJ -c c.conf "$MARK"
	status_is 0
	jq -e ".processes | length == ${#names[@]}" out
	# What jq reads is ASCII without control characters in this locale.
	jq -r '.processes[].command' out >commands
	LC_ALL=C run ! grep '[^ -~]' commands
	jq -r '.processes[].command' out | grep -F 'a\nb'
	jq -r '.processes[].command' out | grep -F 'q"uo\\te'
	adjust -l -c c.conf "$MARK"
	[[ $(grep -c . out) -eq $((${#names[@]} + 1)) ]]
	LC_ALL=C run ! grep '[^ -~]' out
	LC_ALL=C.UTF-8 adjust -l -c c.conf "$MARK"
	grep -F $'\xc3\xa9' out
	LC_ALL=C.UTF-8 adjust -lJ -c c.conf "$MARK"
	jq -e ".processes | length == ${#names[@]}" out
	jq -r '.processes[].command' out | grep -F $'\xc3\xa9'
	jq -r '.processes[].command' out | grep -F '\377\376'
}

@test "piped, nothing is cut off" {
	local name
	name=$(printf 'c%.0s' {1..150})
	actor pid "$MARK"
	echo "$MARK 5" >"$name"
	adjust -l -c "$name" "$MARK"
	out_has " $name:1 "
}

@test "twenty processes: the whole table" {
	local i
	for i in {1..13}; do
		fake_victim $((100 + i)) "p$i" $((660 + i)) 0 $((i * 1024)) 0 4
	done
	fake_victim 201 low 610 -60 2048
	fake_victim 202 never 0 -1000 4096
	fake_victim 203 wanted 700 58 512
	fake_victim 204 alice 600 0 256 0 0 54321
	fake_victim 205 high 950 470 1048576
	fake_victim 206 idle 599 0 128
	fake_victim 1 init 900 0 8192
	# Kernel threads and zombies have no memory.
	fake 2 kthreadd 0 0 0
	echo 0 >proc/2/oom_score
	: >proc/2/cmdline
	config <<-EOF
		low -3
		never -17
		wanted 1
		alice -8
		high 0
	EOF
	adjust -l --proc proc -c c.conf
	status_is 0
	err_is ""
	out_is "PID USER   RSS SCORE             ADJ   WANT RULE            COMMAND
205 root  1.0G   950 #########   470    0 ! c.conf:5        high
203 root  512K   700 #######      58     58 c.conf:3        wanted
113 root   13M   673 ######        0                        p13
112 root   12M   672 ######        0                        p12
111 root   11M   671 ######        0                        p11
110 root   10M   670 ######        0                        p10
109 root  9.0M   669 ######        0                        p9
108 root  8.0M   668 ######        0                        p8
107 root  7.0M   667 ######        0                        p7
106 root  6.0M   666 ######        0                        p6
201 root  2.0M   610 ######      -60 -176 ! c.conf:1        low
204 54321 256K   600 ######        0        (user) c.conf:4 alice
202 root  4.0M     0           -1000  -1000 c.conf:2        never
7 other processes, 23M"
	adjust -l --proc proc -c c.conf low
	status_is 0
	out_is "PID USER  RSS SCORE        ADJ   WANT RULE     COMMAND
201 root 2.0M   610 ###### -60 -176 ! c.conf:1 low"
}

@test "equal scores: RAM, swap, page tables and adjustment count" {
	: >c.conf
	fake_victim 11 ram 670 0 3000
	fake_victim 12 swap 670 0 1000 4000
	fake_victim 13 tables 670 0 1000 0 2500
	fake_victim 14 adjusted 670 900 1000
	fake_victim 15 most 670 0 1000 9000
	# Of equals the kernel takes the last that was started.
	fake_victim 16 equal 670 0 3000
	# The score comes first: it is what the kernel says.
	fake_victim 17 score 671 0 4
	adjust -lJ --proc proc -c c.conf
	status_is 0
	pids_are 17 14 15 12 13 16 11 || complain order
	field_is 12 swap 4096000
	field_is 12 rss 1024000
	field_is 11 swap 0
	adjust -l --proc proc -c c.conf
	[[ ${out%%$'\n'*} == "PID USER  RSS SWAP SCORE "* ]] || complain "no SWAP"
	sed -i 's/^VmSwap:.*/VmSwap:\t0 kB/' proc/*/status
	adjust -l --proc proc -c c.conf
	out_lacks SWAP
}

@test "of those that tie with the tenth, the biggest" {
	local i
	: >c.conf
	for i in {101..130}; do
		fake_victim "$i" "p$i" 666 0 $((i * 7919 % 101 * 64)) 0 8
	done
	adjust -lJ --proc proc -c c.conf
	# shellcheck disable=SC2046 # PIDs
	pids_are $(for i in {101..130}; do
		echo "$((i * 7919 % 101)) $i"
	done | sort -nr | head | cut -d ' ' -f 2)
}

@test "what the kernel cannot kill is no candidate" {
	local i
	echo 'oom_adjust 5' >c.conf
	fake_victim 1 init 990 0 9000
	fake_victim 31 never 980 -1000 8000
	fake_victim 32 zero 0 0 7000
	fake_victim 33 oom_adjust 960 0 6000
	ln -s 33 proc/self
	fake_victim 34 victim 666 0 10
	adjust -lJ --proc proc -c c.conf
	status_is 0
	pids_are 34
	adjust -l --proc proc -c c.conf
	[[ ${out##*$'\n'} == "3 other processes, 23M" ]] || complain rest
	# Nor does it take the place of a candidate.
	for i in {101..111}; do
		fake_victim "$i" "p$i" $((i + 600)) 0 10
	done
	adjust -lJ --proc proc -c c.conf
	pids_are {111..102}
	# Not even if a rule puts it into the list.
	echo 'init 0' >>c.conf
	adjust -lJ --proc proc -c c.conf
	pids_are 1 {111..102}
}

@test "the ten are the most likely of all, with a rule or without" {
	local i
	for i in {101..115}; do
		fake_victim "$i" "p$i" $((i + 600)) 0 10
	done
	printf 'p%d 0\n' 114 112 101 >c.conf
	adjust -lJ --proc proc -c c.conf
	pids_are {115..106} 101
	adjust -l --proc proc -c c.conf
	[[ ${out##*$'\n'} == "4 other processes, 40K" ]] || complain rest
	rm -r proc/10{3,4,5}
	adjust -l --proc proc -c c.conf
	[[ ${out##*$'\n'} == "1 other process, 10K" ]] || complain rest
}

@test "each process has its own user" {
	: >c.conf
	fake_victim 11 a 670 0 10 0 0 0
	fake_victim 12 b 669 0 10 0 0 54321
	fake_victim 13 c 668 0 10 0 0 1
	fake_victim 14 d 667 0 10 0 0 54321
	fake_victim 15 e 666 0 10 0 0 65534
	fake_victim 16 f 665 0 10 0 0 0
	adjust -lJ --proc proc -c c.conf
	[[ $(jq -r '.processes[].user' out | paste -sd ' ') == \
	"root 54321 daemon 54321 nobody root" ]] || complain users
}

@test "a process whose main thread has ended" {
	: >c.conf
	actor pid -x -o 1000 "$MARK"
	adjust -lJ -c c.conf
	status_is 0
	field_is "$pid" score "$(cat "/proc/$pid/oom_score")"
	field_is "$pid" adj 1000
	field_is "$pid" command actor
	field_is "$pid" rule null
	rss=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' \
		"/proc/$pid"/task/*/status)
	((rss > 0))
	field_is "$pid" rss $((rss * 1024))
}

@test "a zombie is not listed" {
	: >c.conf
	actor pid -z "$MARK"
	adjust -lJ -c c.conf
	status_is 0
	run ! row "$pid"
}

@test "many groups do not hide the memory of a process" {
	local i
	: >c.conf
	for i in {11..22}; do
		fake_victim "$i" "p$i" 666 0 $((i * 100))
	done
	{
		sed '/^Vm/d' proc/22/status
		printf 'Groups:\t'
		printf '4294900000 %.0s' {1..65536}
		printf '\nVmRSS:\t9000 kB\n'
	} >status
	mv status proc/22/status
	adjust -lJ --proc proc -c c.conf
	status_is 0
	pids_are {22..13}
	field_is 22 rss 9216000
}

@test "-n: order and scores as they are after a run" {
	need_root
	for adj in 100 500 300; do
		actor pid -o "$adj" "$MARK-$adj"
		eval "p$adj=$pid"
	done
	config <<-EOF
		process a { name = "$MARK-100" oom_score_adj = 700 }
		process b { name = "$MARK-500" oom_score_adj = 200 }
		process c { name = "$MARK-300" oom_score_adj = 300 }
	EOF
	adjust -lJ -c c.conf "$MARK-100" "$MARK-300" "$MARK-500"
	pids_are "$p500" "$p300" "$p100"
	adjust -lnJ -c c.conf "$MARK-100" "$MARK-300" "$MARK-500"
	status_is 0
	pids_are "$p100" "$p300" "$p500"
	field_is "$p100" adj 100
	field_is "$p100" want 700
	value_is "$p100" 100
	jq -r '.processes[].score' out >predicted
	adjust -q -c c.conf
	status_is 0
	cat "/proc/$p100/oom_score" "/proc/$p300/oom_score" \
		"/proc/$p500/oom_score" >scores
	# The score may differ by one, because memory changes meanwhile.
	paste predicted scores | while read -r a b; do
		((a - b >= -1 && a - b <= 1)) || complain "predicted $a, is $b"
	done
	adjust -lJ -c c.conf "$MARK-100" "$MARK-300" "$MARK-500"
	pids_are "$p100" "$p300" "$p500"
}

@test "-n: what gets -1000 is no candidate, what gives it up is one" {
	local i
	for i in {101..112}; do
		fake_victim "$i" "p$i" $((i + 600)) 0 10
	done
	fake_victim 201 freed 0 -1000 1024
	printf 'p112 -17\nfreed 15\n' >c.conf
	adjust -lnJ --proc proc -c c.conf
	status_is 0
	pids_are 201 {111..103} 112
	field_is 112 score 0
	field_is 201 score 1333
	# only the processes that a rule of that name decides
	adjust -lnJ --proc proc -c c.conf p112
	pids_are 112
	field_is 112 score 0
	adjust -lJ --proc proc -c c.conf p112
	field_is 112 score 712
}

@test "-n: scores as the kernel made them before Linux 5.9" {
	local i
	for i in {101..105}; do
		fake_victim "$i" "p$i" 1 0 10
	done
	echo 'p103 5' >c.conf
	fake_victim 106 raised 301 300 10
	echo 'raised 0' >>c.conf
	adjust -lnJ --proc proc -c c.conf
	for i in 103:295 106:1; do
		score=$(row "${i%:*}" | jq .score)
		((score >= ${i#*:} - 2 && score <= ${i#*:} + 2)) || complain "$i"
	done
}

@test "a value that is to be reset; one that was put back; a container" {
	fake_victim 11 bash 500 -100 10 0 0 54321
	echo 54321 >proc/11/loginuid
	fake_victim 12 daemon 100 -900 10
	fake_victim 13 daemon 666 0 10
	sed -i 's/^PPid:.*/PPid:\t12/' proc/13/status
	fake_victim 14 daemon 600 0 10
	sed -i 's/^NSpid:.*/NSpid:\t14\t7/' proc/14/status
	printf 'daemon -16\nreset_inherited = true\n' >c.conf
	adjust -l --proc proc -c c.conf
	status_is 0
	out_is "PID USER  RSS SCORE         ADJ   WANT RULE                 COMMAND
 13 root  10K   666 ######    0        (put back) c.conf:1  daemon
 14 root  10K   600 ######    0        (container) c.conf:1 daemon
 11 54321 10K   500 #####  -100    0 ! reset_inherited      bash
 12 root  10K   100 #      -900 -941 ! c.conf:1             daemon
0 other processes, 0B"
	adjust -lJ --proc proc -c c.conf
	field_is 13 passed_over "put back"
	field_is 14 passed_over container
	field_is 14 want null
	field_is 11 want 0
	field_is 11 rule reset_inherited
	adjust -l --proc proc -c c.conf daemon
	out_lacks bash
}

@test "80 columns: the bar goes first, and nothing that matters is cut" {
	need_bare
	mkdir a-long-directory
	fake_victim 30001 fifteen-bytes-n 950 800 9437184
	fake_victim 30002 "$MARK" 940 0 9437184 0 0 54321
	printf '%s\n' "" "" "" "" "" "" "" "" "" "fifteen-bytes-n 9" "$MARK -17" \
		>a-long-directory/oom_adjust.conf
	# shellcheck disable=SC2016 # the inner shell expands
	in_columns() {
		script -qec 'stty cols '"$1"'; "$OOM_ADJUST" -l --proc proc \
			-c a-long-directory/oom_adjust.conf --color=never' \
			/dev/null | tr -d '\r' >typed
		awk -v max="$1" 'length > max { exit 1 }' typed
	}
	in_columns 80
	grep -E "^30001 .* 950 #* +800 529 ! oom_adjust.conf:10 +fifteen-bytes-n$" \
		typed
	grep -E "^30002 .* 940 #* +0 +\(user\) oom_adjust.conf:11 +$MARK$" typed
}

@test "JSON has the whole path, and an empty name is a name" {
	local dir
	dir=$PWD/$(printf 'd%.0s' {1..100})
	mkdir "$dir"
	echo "$MARK 5" >"$dir/"$'c\xff"\\.conf'
	actor pid -c "" "$MARK"
	adjust -lJ -c "$dir/"$'c\xff"\\.conf' "$MARK"
	status_is 0
	field_is "$pid" rule "$dir/"'c\377"\\.conf:1'
	field_is "$pid" command ""
	LC_ALL=C.UTF-8 adjust -lJ -c "$dir/"$'c\xff"\\.conf' "$MARK"
	field_is "$pid" rule "$dir/"'c\377"\\.conf:1'
	LC_ALL=C.UTF-8 adjust -l -c "$dir/"$'c\xff"\\.conf' "$MARK"
	out_has ' c\377"\\.conf:1 '
	out_lacks ddd
}

@test "a name that no process has" {
	actor pid "$MARK-there"
	config <<-EOF
		$MARK-there 5
		process title { name = "$MARK-gone" oom_adj = 5 }
	EOF
	adjust -l -c c.conf "$MARK-there" title
	status_is 0
	err_is 'oom_adjust: no process for rule "title"'
	adjust -l -c c.conf "$MARK-there"
	err_is ""
	adjust -lJ -c c.conf "$MARK-gone"
	status_is 0
	err_is "oom_adjust: no process for rule \"$MARK-gone\""
	jq -e '.processes == []' out
}

@test "what cannot be seen is said" {
	: >c.conf
	mkdir empty
	adjust -l --proc empty -c c.conf
	status_is 1
	err_is "oom_adjust: empty: no process here: is it where procfs is mounted?"
	out_is ""
	adjust -lJ --proc absent -c c.conf
	status_is 1
	err_is "oom_adjust: absent: No such file or directory"

	# One that cannot be read is no reason to hide the others.
	fake_victim 11 good 666 0 10
	fake_victim 12 bad 666 0 10
	rm proc/12/cmdline
	mkdir proc/12/cmdline
	adjust -lJ --proc proc -c c.conf
	status_is 1
	err_is "oom_adjust: process 12: Is a directory"
	pids_are 11
	# One that has ended is nothing to report.
	rm -r proc/12/cmdline
	adjust -lJ --proc proc -c c.conf
	status_is 0
	err_is ""
}

@test "no descriptors left" {
	not_under_valgrind
	local n
	: >c.conf
	fake_victim 11 good 666 0 10
	# The lowest limit with which /proc itself can be opened.
	for n in {4..12}; do
		adjust_by prlimit --nofile="$n" -- -l --proc proc -c c.conf
		[[ $err != *"process 11"* ]] || break
	done
	status_is 1
	err_is "oom_adjust: process 11: Too many open files"
	out_is ""
}

@test "as an ordinary user: what may not be read is said" {
	need_root
	open_directory
	: >c.conf
	fake_victim 11 seen 666 0 10
	fake_victim 12 hidden 666 0 10
	chmod 0 proc/12/cmdline
	adjust_by "${NOBODY[@]}" -- -lJ --proc proc -c c.conf
	status_is 1
	err_is "oom_adjust: proc: some processes cannot be seen (mounted with hidepid?): run as root"
	pids_are 11

	# A rule by path needs /proc/PID/exe.
	actor pid "$MARK"
	echo "/usr/sbin/$MARK 5" >c.conf
	adjust_by "${NOBODY[@]}" -- -l -c c.conf
	status_is 1
	err_is "oom_adjust: RULE is incomplete for rules by path: reading /proc/PID/exe of some processes needs CAP_SYS_PTRACE"
}

hidden_processes() {
	local how
	chmod 755 .
	: >c.conf
	for how in 1 2; do
		mount -t proc -o hidepid="$how" proc /proc
		adjust_by "${NOBODY[@]}" -- -l -c c.conf
		status_is 1
		err_is "oom_adjust: /proc: some processes cannot be seen (mounted with hidepid?): run as root"
		adjust -l -c c.conf
		status_is 0
		err_is ""
	done
}

export -f hidden_processes

@test "hidepid is noticed" {
	need_namespaces
	open_directory
	BATS_TEST_TMPDIR=$PWD isolated hidden_processes
}
