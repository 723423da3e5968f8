#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154 # common.bash sets out and pid
# A name is not proof: who is favoured, who is passed over, and whose inherited
# value is reset. Most of it on a tree of plain files, where values can be
# negative; tests/vm shows the same with real daemons and logins.

load common

# The whole output but its first line.
rest_is() {
	[[ ${out#*$'\n'} == "$1" ]] || complain "after its first line not: $1"
}

# set_ids PID REAL EFFECTIVE SAVED
set_ids() {
	sed -i "s/^Uid:.*/Uid:\t$2\t$3\t$4\t$3/" "proc/$1/status"
}

# contain PID: it is in another PID namespace.
contain() {
	sed -i "s/^NSpid:.*/&\t7/" "proc/$1/status"
}

@test "put back: a login that waits, what it starts, and the next run" {
	local value
	# The processes of OpenSSH before 9.8: listener, [priv], [net], a session.
	for value in -17:-1000 -8:-470; do
		rm -rf proc
		fake 10 sshd 0 1 -1000
		fake 11 sshd 0 10 0
		fake 12 sshd 105 11 0
		fake 13 sshd 1001 11 0
		config <<<"sshd ${value%:*}"
		adjust -v -c c.conf --proc proc
		status_is 0
		err_is ""
		[[ $out == *"
         11 (sshd): passed over: put back by its parent 10
         12 (sshd): passed over: put back by its parent 11
         13 (sshd): passed over: user 1001
4 processes:"* ]] || complain "not passed over"
		[[ $(<proc/10/oom_score_adj) == "${value#*:}" ]]
		adjust -v -c c.conf --proc proc
		status_is 0
		rest_is "  Setting sshd to ${value%:*}
         10 (sshd): ${value#*:} already
         11 (sshd): passed over: put back by its parent 10
         12 (sshd): passed over: put back by its parent 11
         13 (sshd): passed over: user 1001
4 processes: 0 changed, 1 already set, 0 failed, 3 passed over"
	done
}

@test "put back, and then its daemon was restarted" {
	local pid value start
	for value in -17:-1000 -8:-470; do
		rm -rf proc
		# a connection at the prompt outlives the listener that forked it
		fake 11 sshd 0 1 0
		fake 12 sshd 105 11 0
		fake 20 sshd 0 1 -1000
		fake 1 init 0 0 0
		mkdir -p proc/1/task/1
		echo "11 20 " >proc/1/task/1/children
		for pid in 11 12 20; do
			echo "0::/system.slice/ssh.service" >proc/$pid/cgroup
			sed -i "s/\$/ 0 0 0 0 0 0 0 0 $pid/" proc/$pid/stat
		done
		config <<<"sshd ${value%:*}"
		adjust -v -c c.conf --proc proc
		adjust -v -c c.conf --proc proc
		status_is 0
		rest_is "  Setting sshd to ${value%:*}
         11 (sshd): passed over: put back before its daemon was restarted as 20
         12 (sshd): passed over: put back before its daemon was restarted as 20
         20 (sshd): ${value#*:} already
3 processes: 0 changed, 1 already set, 0 failed, 2 passed over"
	done
	# Not what only looks like it: one that is not younger, another service,
	# a user's.
	for start in 5 11; do
		sed -i "s/ [0-9]*\$/ $start/" proc/20/stat
		adjust -v -c c.conf --proc proc
		out_has "11 (sshd): 0 -> -470"
		echo 0 >proc/11/oom_score_adj
	done
	sed -i 's/ 11$/ 20/' proc/20/stat
	echo "0::/system.slice/other.service" >proc/20/cgroup
	adjust -v -c c.conf --proc proc
	out_has "11 (sshd): 0 -> -470"
	echo 0 >proc/11/oom_score_adj
	cp proc/11/cgroup proc/20/cgroup
	set_ids 20 1001 0 0
	adjust -v -c c.conf --proc proc
	out_has "11 (sshd): 0 -> -470"
}

# Clock ticks after boot.
start_of() {
	cut -d ' ' -f 22 "/proc/$1/stat"
}

# A thousand processes that have lost their parent, and one that started later
# and has a lower value.
restart_daemon() {
	local i last
	for ((i = 0; i < 1000; i++)); do
		(
			exec -a "$MARK" sleep 1000 &
			echo 500 >"/proc/$!/oom_score_adj"
			echo $! >last
		)
	done
	last=$(start_of "$(<last)")
	exec -a "$MARK" sleep 1000 &
	until [[ $(start_of $!) -gt $last ]]; do
		kill -KILL $! # bash loses a TERM that comes before exec
		exec -a "$MARK" sleep 1000 &
	done
	echo 100 >"/proc/$!/oom_score_adj"
	config <<<"$MARK 0"
	# until the last has its name
	for ((i = 0; i < 1000; i++)); do
		adjust -n -c c.conf
		[[ $out != *"
1001 processes: "* ]] || break
		sleep 0.02
	done
	adjust_by prlimit --cpu=8 -- -c c.conf
}
export -f start_of restart_daemon

@test "a thousand that wait while their daemon is restarted: within seconds" {
	! under_valgrind || skip "NOT RUN: too slow under valgrind"
	isolated restart_daemon
	grep -Fx "1001 processes: 1 changed, 0 already set, 0 failed, 1000 passed over" out
}

@test "a daemon and its workers get their value together" {
	fake 10 web 0 1 0
	fake 11 web 33 10 0
	fake 12 web 33 11 0
	config <<<"web -8"
	adjust -v -c c.conf --proc proc
	status_is 0
	rest_is "  Setting web to -8
         10 (web): 0 -> -470
         11 (web): 0 -> -470
         12 (web): 0 -> -470
3 processes: 3 changed, 0 already set, 0 failed, 0 passed over"
}

@test "more than ten generations: who may have been put back is passed over" {
	local pid
	fake 10 web 0 1 -900
	for ((pid = 11; pid <= 22; pid++)); do
		fake $pid web 0 $((pid - 1)) 0
	done
	config <<<"web -17"
	adjust -v -c c.conf --proc proc
	status_is 0
	out_has "13 processes: 1 changed, 0 already set, 0 failed, 12 passed over" \
		"10 (web): -900 -> -1000" \
		"22 (web): passed over: put back by its parent 21"
	# The last one has the first too far away to know its value.
	echo 0 >proc/10/oom_score_adj
	rm -r proc/2[12]
	adjust -v -c c.conf --proc proc
	status_is 0
	out_has "11 processes: 10 changed, 0 already set, 0 failed, 1 passed over" \
		"19 (web): 0 -> -1000" \
		"20 (web): passed over: put back by its parent 19"
}

@test "put back counts only under the same rule" {
	fake 10 master 0 1 -900
	fake 11 web 33 10 0
	config <<<$'master -17\nweb -8'
	adjust -v -c c.conf --proc proc
	rest_is "  Setting master to -17
         10 (master): -900 -> -1000
  Setting web to -8
         11 (web): 0 -> -470
2 processes: 2 changed, 0 already set, 0 failed, 0 passed over"
}

@test "a parent that this run has raised counts with what it had before" {
	fake 10 web 0 1 -900
	fake 11 web 33 10 -100
	config <<<"web -8"
	adjust -v -c c.conf --proc proc
	rest_is "  Setting web to -8
         10 (web): -900 -> -470
         11 (web): passed over: put back by its parent 10
2 processes: 1 changed, 0 already set, 0 failed, 1 passed over"
}

@test "lowering is a favour: a penalty is not shed by a name" {
	fake 10 web 0 1 500
	fake 11 web 1001 1 500
	fake 12 web 0 1 1000
	contain 12
	config <<<"web 0"
	adjust -v -c c.conf --proc proc
	status_is 0
	rest_is "  Setting web to 0
         10 (web): 500 -> 0
         11 (web): passed over: user 1001
         12 (web): passed over: container (another PID namespace)
3 processes: 1 changed, 0 already set, 0 failed, 2 passed over"
	config <<<"web 15"
	adjust -v -c c.conf --proc proc
	rest_is "  Setting web to 15
         10 (web): 0 -> 1000
         11 (web): 500 -> 1000
         12 (web): 1000 already
3 processes: 2 changed, 1 already set, 0 failed, 0 passed over"
}

@test "login users and services by their numbers" {
	local uid
	for uid in 0 999 61184 65519 65534; do
		fake "1$uid" service "$uid" 1 0
	done
	for uid in 1000 60001 61183 65520 65533 65535 100000; do
		fake "1$uid" user "$uid" 1 0
	done
	config <<<$'service -8\nuser -8'
	adjust -v -c c.conf --proc proc
	status_is 0
	out_has "12 processes: 5 changed, 0 already set, 0 failed, 7 passed over"
	[[ $(grep -c ': 0 -> -470$' out) -eq 5 ]]
	[[ $(grep -c 'passed over: user' out) -eq 7 ]]
	err_is "oom_adjust: c.conf:2: user: passed over all its processes (user id 65535): a process block with user = {...} allows it" ||
		err_has "c.conf:2: user: passed over all its processes (user id "
}

@test "user = is no way round for a set-user-ID program" {
	local i
	for i in 10 11 12 13; do
		fake $i su 0 1 0
	done
	set_ids 11 1001 0 0
	set_ids 12 0 0 1001
	set_ids 13 1001 1001 1001
	config <<<'process su { user = {root} oom_adj = -17 }'
	adjust -v -c c.conf --proc proc
	rest_is "  Setting su to -17
         10 (su): 0 -> -1000
         11 (su): passed over: user 1001
         12 (su): passed over: user 1001
3 processes: 1 changed, 0 already set, 0 failed, 2 passed over"
	config <<<'process su { user = {root, 1001} oom_adj = -17 }'
	adjust -v -c c.conf --proc proc
	out_has "4 processes: 3 changed, 1 already set, 0 failed, 0 passed over"
}

@test "a container is favoured by containers = true alone" {
	fake 10 web 0 1 0
	contain 10
	config <<<'process web { user = {root} oom_adj = -17 }'
	adjust -v -c c.conf --proc proc
	out_has "10 (web): passed over: container (another PID namespace)"
	err_has "c.conf:1: web: passed over its only process (container): a process block with containers = true allows it"
	config <<<'process web { user = {root} containers = true oom_adj = -17 }'
	adjust -v -c c.conf --proc proc
	out_has "10 (web): 0 -> -1000"
	err_is ""
}

@test "containers before Linux 4.1: the links of the namespaces" {
	fake 1 init 0 0 0
	fake 10 web 0 1 0
	fake 11 web 0 1 0
	sed -i '/^NSpid/d' proc/*/status
	mkdir proc/{1,10,11}/ns
	ln -s 'pid:[1]' proc/1/ns/pid
	ln -s 'pid:[1]' proc/10/ns/pid
	ln -s 'pid:[2]' proc/11/ns/pid
	config <<<"web -17"
	adjust -v -c c.conf --proc proc
	out_has "10 (web): 0 -> -1000" \
		"11 (web): passed over: container (another PID namespace)"
}

@test "containers before Linux 4.1: a link that cannot be read is no proof" {
	need_root
	open_directory
	fake 1 init 0 0 0
	fake 10 web 0 1 0
	sed -i '/^NSpid/d' proc/*/status
	mkdir proc/{1,10}/ns
	ln -s 'pid:[1]' proc/1/ns/pid
	ln -s 'pid:[1]' proc/10/ns/pid
	chown -R 65534 proc/10
	chmod 0 proc/10/ns
	config <<<"web -17"
	adjust_by "${NOBODY[@]}" -- -v -c c.conf --proc proc
	status_is 0
	out_has "10 (web): passed over: container (another PID namespace)"
}

@test "many groups: a status that is cut off is not half believed" {
	fake 10 web 0 1 0
	# the kernel's own line, cut after the first number
	{
		grep -v '^NSpid' proc/10/status
		printf 'Groups:\t'
		head -c 8000 /dev/zero | tr '\0' 1
	} | head -c $((4095 - 10)) >status
	printf '\nNSpid:\t10\t7\n' >>status
	mv status proc/10/status
	# The links of the namespaces say what the cut line does not.
	fake 1 init 0 0 0
	mkdir proc/{1,10}/ns
	ln -s 'pid:[1]' proc/1/ns/pid
	ln -s 'pid:[2]' proc/10/ns/pid
	config <<<"web -17"
	adjust -v -c c.conf --proc proc
	out_has "10 (web): passed over: container (another PID namespace)"
	ln -sf 'pid:[1]' proc/10/ns/pid
	adjust -v -c c.conf --proc proc
	out_has "10 (web): 0 -> -1000"
}

# sessions LOGINUID: make processes with negative values, of several users.
sessions() {
	fake 10 bash 1001 1 -1000 "$1"
	fake 11 bash 1001 1 -999 "$1"
	fake 12 bash 0 1 -1000 "$1"
	fake 13 app 1001 1 -1000 4294967295
	fake 14 sshd 1001 1 -1000 "$1"
	fake 15 bash 1001 1 -1000 "$1"
	set_ids 15 1001 0 1001
	fake 16 bash 1001 1 -1000 "$1"
	contain 16
	fake 17 bash 1001 1 5 "$1"
	fake 18 app 61184 1 -500 4294967295
	fake 19 java 1001 1 -1000 "$1"
	fake 20 sshd 0 1 -1000 4294967295
	mkdir -p proc/self
	touch proc/self/loginuid
}

@test "reset_inherited resets login sessions, and nothing else" {
	sessions 1001
	config <<-EOF
		sshd -17
		java 5
		reset_inherited = true
	EOF
	adjust -v -c c.conf --proc proc
	status_is 0
	err_is ""
	rest_is "  Setting sshd to -17
         20 (sshd): -1000 already
  Setting java to 5
         19 (java): -1000 -> 294
  Resetting inherited values to 0
         10 (bash): -1000 -> 0
         11 (bash): -999 -> 0
         14 (sshd): -1000 -> 0
5 processes: 4 changed, 1 already set, 0 failed, 0 passed over"
	[[ $(cat proc/1[235678]/oom_score_adj | tr '\n' ' ') == \
		"-1000 -1000 -1000 -1000 5 -500 " ]]
}

@test "reset_inherited: not with a name, and not unless it is asked for" {
	sessions 1001
	config <<<$'sshd -17\nreset_inherited = true'
	adjust -v -c c.conf --proc proc sshd
	out_has "2 processes: 0 changed"
	config <<<'sshd -17'
	adjust -v -c c.conf --proc proc
	out_has "2 processes: 0 changed"
	# a drop-in that doesn't mention it leaves it on
	config <<<'reset_inherited = true'
	mkdir c.conf.d
	echo 'sshd -17' >c.conf.d/a.conf
	adjust -v -c c.conf --proc proc
	out_has "(bash): -1000 -> 0"
}

@test "reset_inherited: -v and -t say where no session is known" {
	sessions 4294967295
	config <<<'reset_inherited = true'
	adjust -v -c c.conf --proc proc
	status_is 0
	err_is "oom_adjust: reset_inherited resets nothing: no process has a loginuid (is pam_loginuid used?)"
	out_has "0 processes"
	# With names nothing is to be reset.
	config <<<$'app 5\nreset_inherited = true'
	adjust -v -c c.conf --proc proc app
	err_is ""
	config <<<'reset_inherited = true'
	adjust -t -c c.conf --proc proc
	status_is 0
	err_has "reset_inherited resets nothing"
	rm proc/*/loginuid
	adjust -v -c c.conf --proc proc
	err_is "oom_adjust: reset_inherited resets nothing: the kernel has no /proc/PID/loginuid"
	out_has "0 processes"
	adjust -c c.conf --proc proc
	err_is ""
}

@test "a path rule that may not read exe says so once, status 2" {
	need_root
	open_directory
	config <<<"/nosuch/$MARK 5"
	actor a "$MARK"
	actor b "$MARK"
	adjust_by "${NOBODY[@]}" -- -c c.conf
	status_is 2
	err_is "oom_adjust: rules by path are incomplete: reading /proc/PID/exe of some processes needs CAP_SYS_PTRACE"
}

@test "an exe that cannot be read is not the last process's" {
	local i
	for i in 10 11 12 13 14; do
		fake $i web 0 1 0
		rm proc/$i/exe
	done
	ln -s /usr/sbin/web proc/11/exe
	config <<<"/usr/sbin/web 5"
	adjust -v -c c.conf --proc proc
	status_is 0
	out_has "1 process: 1 changed" "11 (web): 0 -> 294"
	# An upgraded binary, by the shortest of paths.
	ln -s "/w (deleted)" proc/12/exe
	config <<<"/w 6"
	adjust -v -c c.conf --proc proc
	out_has "1 process: 1 changed" "12 (web): 0 -> 352"
}

@test "comm is no proof of a path" {
	actor pid -c "/x/$MARK" -a x
	config <<<"/x/$MARK 5"
	adjust -c c.conf
	out_has "0 processes"
}

# Start two processes that share memory: $one and $two, until $hold is closed.
share_memory() {
	mkfifo in pids
	"$HELPERS/sharer" "${MARK}a" "${MARK}b" <in >pids 3>&- &
	exec {hold}>in
	read -t 20 -r one two <pids
}

@test "shared memory: changed back and forth is reported once, status 2" {
	need_service
	need_bare
	local one two hold
	share_memory
	config <<<"${MARK}a 5"$'\n'"${MARK}b 10"
	adjust -v -c c.conf
	exec {hold}>&-
	status_is 2
	[[ $(grep -c 'changed back during this run: does it share memory' err) -ge 1 ]]
	[[ $(grep -c "^oom_adjust: ${MARK}a ($one)" err) -le 1 ]]
	[[ $(grep -c "^oom_adjust: ${MARK}b ($two)" err) -le 1 ]]
	out_has "2 processes: 2 changed, 0 already set, 0 failed, 0 passed over"
	[[ $(grep -cE "^ +($one|$two) " out) -eq 2 ]] || complain "not two lines"
	# The line has the value from before the run.
	process_line "$one" "(${MARK}a): 0 -> 294" ||
		process_line "$two" "(${MARK}b): 0 -> 588"
}

@test "shared memory: set already, and changed in a later pass, is one" {
	need_service
	need_bare
	local one two hold
	share_memory
	echo 294 >"/proc/$one/oom_score_adj"
	config <<<"${MARK}a 5"$'\n'"${MARK}b 10"
	adjust -v -c c.conf
	exec {hold}>&-
	status_is 2
	out_has "2 processes: 2 changed, 0 already set, 0 failed, 0 passed over"
	[[ $(grep -cE "^ +($one|$two) " out) -eq 2 ]] || complain "not two lines"
}

# Two processes that share memory, as a kernel that has oom_adj alone would show
# them: through that, no value is lowered without CAP_SYS_RESOURCE.
@test "shared memory: what a later pass cannot change is a failure, status 2" {
	need_root
	[[ -w /proc/self/oom_adj ]] || skip "NOT RUN: no oom_adj in this kernel"
	local one two hold pid order first value
	share_memory
	for pid in "$one" "$two"; do
		mkdir -p "proc/$pid"
		ln -s "/proc/$pid/"{cmdline,comm,stat,status,oom_adj} \
			"proc/$pid"
	done
	mapfile -t order < <(ls -U proc)
	first=$(<"proc/${order[0]}/comm")
	# Changed, or set already, and then undone by the rule of the second.
	for value in 5 0; do
		echo 0 >"/proc/$one/oom_score_adj"
		config <<-EOF
			$first $value
			$(<"proc/${order[1]}/comm") 15
		EOF
		adjust_by setpriv --bounding-set -sys_resource -- -v -c c.conf \
			--proc proc
		status_is 2
		err_is "oom_adjust: $first (${order[0]}): cannot set oom_adj to $value: Permission denied (lowering needs CAP_SYS_RESOURCE)"
		out_has "2 processes: 1 changed, 0 already set, 1 failed, 0 passed over"
		process_line "${order[0]}" "($first): failed: Permission denied (lowering needs CAP_SYS_RESOURCE)"
	done
	exec {hold}>&-
}

@test "no thread for the deadline: a warning, and the run goes on" {
	need_root
	open_directory
	config <<<"$MARK 5"
	actor pid -u 65534 "$MARK"
	adjust_by "${NOBODY[@]}" prlimit --nproc=1 -- -c c.conf
	status_is 0
	err_has "oom_adjust: going on without --timeout: cannot start a thread: "
	value_is "$pid" 294
}

@test "thirty processes within sixteen descriptors" {
	not_under_valgrind
	local i
	for ((i = 10; i < 40; i++)); do
		fake $i web 0 1 0
	done
	config <<<"web -8"
	adjust_by prlimit --nofile=16 -- -c c.conf --proc proc
	status_is 0
	out_has "30 processes: 30 changed"
}

@test "long arguments: an expression takes no time by their square" {
	local i arguments expression value=0
	! under_valgrind || skip "NOT RUN: too slow under valgrind"
	printf -v arguments '%6000s' ''
	arguments=${arguments// /-jar }
	for ((i = 0; i < 30; i++)); do
		actor a "$MARK" "$arguments"
	done
	actor pid "$MARK" -Xmx1g -jar /srv/jenkins.war
	for expression in '-jar [^,]*jenkins\.war' '(^| )-jar .*jenkins\.war'; do
		((++value))
		config <<-EOF
			process a {
				name = "$MARK"
				cmdline = '$expression'
				oom_score_adj = $value
			}
		EOF
		adjust_by prlimit --cpu=5 -- -c c.conf
		status_is 0
		out_has "1 process: 1 changed"
		value_is "$pid" $value
	done
}
