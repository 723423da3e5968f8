#!/usr/bin/env bats
# Runs in which something goes wrong: what is still done, which messages there
# are, and the exit status.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # common.bash sets out, err, pid

load common

@test "a process that cannot be looked at: status 2, the others are done" {
	fake 10 web 0 1 0
	fake 11 web 0 1 0
	rm proc/10/cmdline
	mkdir proc/10/cmdline
	config <<<"web 5"
	adjust -c c.conf --proc proc
	status_is 2
	err_is "oom_adjust: process 10: Is a directory"
	out_has "2 processes: 1 changed, 0 already set, 1 failed"
}

@test "a value that is no number: status 2, and nothing is written" {
	fake 10 web 0 1 0
	: >proc/10/oom_score_adj
	config <<<"web 5"
	adjust -c c.conf --proc proc
	status_is 2
	err_is "oom_adjust: process 10: Invalid argument"
	[[ ! -s proc/10/oom_score_adj ]]
}

@test "hidepid: what may not be read is not there" {
	need_root
	open_directory
	fake 10 web 65534 1 0
	fake 11 web 0 1 0
	chmod 0 proc/11/cmdline
	chown -R 65534 proc/10
	config <<<"web 5"
	adjust_by "${NOBODY[@]}" -- -c c.conf --proc proc
	status_is 0
	err_is ""
	out_has "1 process: 1 changed"
}

@test "no process in --proc: status 1" {
	mkdir proc
	config <<<"web 5"
	adjust -c c.conf --proc proc
	status_is 1
	err_is "oom_adjust: proc: no process here: is it where procfs is mounted?"
	out_is ""
}

@test "out of descriptors: the run ends at once, status 1" {
	need_bare
	local n i seen=0
	for i in {10..20}; do
		fake "$i" web 0 1 0
	done
	config <<<"web 5"
	for n in 4 5 6; do
		adjust_by prlimit --nofile=$n -- -c c.conf --proc proc
		[[ $err == *"Too many open files"* ]] || continue
		seen=1
		status_is 1
		[[ $(wc -l <err) -eq 1 ]] || complain "more than one message"
	done
	[[ $seen -eq 1 ]] || complain "never out of descriptors"
}

@test "out of descriptors or memory after the first write: status 2" {
	need_bare
	local i first error
	for i in {10..20}; do
		fake "$i" web 0 1 0
	done
	config <<<"web 5"
	adjust_by strace -f -o log -e trace=openat -- -c c.conf --proc proc
	first=$(grep -c openat <(sed '/O_WRONLY/q' log))
	for error in EMFILE ENFILE ENOMEM; do
		for i in {10..20}; do
			echo 0 >"proc/$i/oom_score_adj"
		done
		adjust_by strace -f -o log -e trace=openat \
			-e inject=openat:error=$error:when=$((first + 1))+ -- \
			-c c.conf --proc proc
		status_is 2
		# The run ends there: the other processes would fail too.
		[[ $(wc -l <err) -eq 1 ]] || complain "$error: not one message"
		out_is ""
		[[ $(cat proc/*/oom_score_adj | grep -c 294) -eq 1 ]]
	done
}

@test "no memory for the report: it says so, status 2" {
	need_bare
	[[ -z ${OOM_ADJUST_WRAPPED:-} ]] ||
		skip "NOT RUN: a sanitizer does not survive this"
	local maps breaks
	fake 1000 web 0 1 294
	perl -e 'symlink "1000", "proc/$_" for 1001 .. 2100'
	config <<<"web 5"
	adjust_by strace -f --seccomp-bpf -o log \
		-e trace='/^(brk|mmap2?|getdents64)$' -- \
		-v -c c.conf --proc proc
	sed -i '/getdents64/q' log
	maps=$(grep -c ' mmap2\?(' log)
	breaks=$(grep -c ' brk(' log)
	# brk(2) itself returns the old end of the heap.
	adjust_by strace -f --seccomp-bpf -o log \
		-e trace='/^(brk|mmap2?|mremap)$' \
		-e inject='/^mmap2?$':error=ENOMEM:when=$((maps + 1))+ \
		-e inject=brk:retval=0:when=$((breaks + 1))+ \
		-e inject=mremap:error=ENOMEM -- -v -c c.conf --proc proc
	status_is 2
	err_is "oom_adjust: not enough memory for a full report"
	out_has "1101 processes: 0 changed, 1101 already set"
}

@test "a short write is a failure with its own reason" {
	need_bare
	fake 10 web 0 1 0
	config <<<"web 5"
	adjust_by strace -f -o log -e trace=write \
		-e inject=write:retval=2:when=1 -- -q -c c.conf --proc proc
	status_is 2
	err_is "oom_adjust: web (10): cannot set oom_score_adj to 294: Input/output error"
}

@test "we do not adjust ourselves, whatever --proc counts" {
	need_namespaces
	not_under_valgrind
	config <<<"$MARK 5"
	# the host's /proc, from inside another PID namespace
	status=0
	# shellcheck disable=SC2016 # the inner shell expands
	unshare --pid --fork bash -c 'exec -a "$1" "$2" -v -c c.conf' bash \
		"$MARK" "$OOM_ADJUST" >out 2>err || status=$?
	out=$(<out) err=$(<err)
	status_is 0
	# No process that starts it has the name, not even for a moment.
	out_has "0 processes"
	status=0
	# shellcheck disable=SC2016 # the inner shell expands
	bash -c 'exec -a "$1" "$2" -v -c c.conf' bash "$MARK" "$OOM_ADJUST" \
		>out 2>err || status=$?
	out=$(<out) err=$(<err)
	out_has "0 processes"
}

@test "a failure and a full disk: status 2" {
	fake 10 web 0 1 0
	rm proc/10/oom_score_adj
	mkdir proc/10/oom_score_adj
	config <<<"web 5"
	status=0 out=""
	"$OOM_ADJUST" -c c.conf --proc proc >/dev/full 2>err || status=$?
	err=$(<err)
	status_is 2
}

@test "the module changed and a full disk: status 2" {
	mkdir -p sys/module/lowmemorykiller/parameters proc/10
	fake 10 web 0 1 0
	echo 0 >sys/module/lowmemorykiller/parameters/adj
	echo 9 >sys/module/lowmemorykiller/parameters/minfree
	config <<<"lowmemorykiller { }"
	status=0 out=""
	"$OOM_ADJUST" -n -c c.conf --proc proc --sys sys >/dev/full 2>err ||
		status=$?
	err=$(<err)
	status_is 1
	status=0
	"$OOM_ADJUST" -c c.conf --proc proc --sys sys >/dev/full 2>err ||
		status=$?
	err=$(<err)
	status_is 2
}

@test "output that is lost early is not forgotten" {
	need_bare
	fake 1000 web 0 1 294
	perl -e 'symlink "1000", "proc/$_" for 1001 .. 1399'
	config <<<"web 5"
	# The first write fails; the later ones would not.
	# musl's stdio calls writev(2).
	adjust_by strace -f --seccomp-bpf -o log -e trace=write,writev \
		-e inject=write,writev:error=ENOSPC:when=1 -- \
		-v -c c.conf --proc proc
	status_is 1
	err_has "standard output"
}

@test "the module: changed if only adj was, out of reach is no 'not loaded'" {
	need_root
	mkdir -p sys/module/lowmemorykiller/parameters proc
	fake 10 web 0 1 0
	echo 0 >sys/module/lowmemorykiller/parameters/adj
	echo 1 >sys/module/lowmemorykiller/parameters/minfree
	config <<<"lowmemorykiller { }"
	adjust -n -c c.conf --proc proc --sys sys
	out_has $'\n            would be changed\n'
	adjust -v -c c.conf --proc proc --sys sys
	out_has $'\n            changed\n'
	adjust -v -c c.conf --proc proc --sys sys
	out_has $'\n            already\n'
	adjust -n -c c.conf --proc proc --sys sys
	out_has $'\n            already\n'
	open_directory
	mkdir -p sys/module/lowmemorykiller proc
	fake 10 web 0 1 0
	chmod 700 sys/module/lowmemorykiller
	config <<<"lowmemorykiller { }"
	adjust_by "${NOBODY[@]}" -- -c c.conf --proc proc --sys sys
	status_is 2
	err_has "sys/module/lowmemorykiller/parameters/adj: Permission denied"
}

@test "an old kernel's failure is reported on the old scale" {
	fake 10 web 0 1
	mkdir proc/10/oom_adj
	config <<<"web 5"
	adjust -q -c c.conf --proc proc
	status_is 2
	err_has "10"
	rmdir proc/10/oom_adj
	echo 0 >proc/10/oom_adj
	need_bare
	adjust_by strace -f -o log -e trace=write \
		-e inject=write:error=EINVAL:when=1 -- -q -c c.conf --proc proc
	status_is 2
	err_is "oom_adjust: web (10): cannot set oom_adj to 5: Invalid argument"
}

@test "a UTF-8 locale: names as they are, C1 controls escaped, regexps on bytes" {
	locale -a | grep -qix 'c\.utf-\?8' || skip "NOT RUN: no C.UTF-8 here"
	fake 10 web 0 1 0
	printf 'b\xc3\xa4r \xc2\x9b\xe2\x80\xae\xe2\x81\xa6\n' >proc/10/comm
	printf '/usr/sbin/web\0\xc3\xa4\0' >proc/10/cmdline
	config <<<$'process web { cmdline = \'^/usr/sbin/web ..$\' oom_adj = 5 }'
	export LC_ALL=C.UTF-8
	adjust -v -c c.conf --proc proc
	out_has '10 (bär \302\233\342\200\256\342\201\246): 0 -> 294'
}

@test "a UTF-8 locale: what changes the direction of text is escaped" {
	local code pid=10
	locale -a | grep -qix 'c\.utf-\?8' || skip "NOT RUN: no C.UTF-8 here"
	config <<<"web 5"
	for code in '\330\234' '\342\200'{'\216','\217','\252','\253','\254','\255','\256'} \
		'\342\201'{'\246','\247','\250','\251'}; do
		fake $pid web 0 1 0
		printf 'b\xc3\xa4r%b\n' "$code" >proc/$pid/comm
		LC_ALL=C.UTF-8 adjust -n -c c.conf --proc proc
		out_has "$pid (bär$code): 0 -> 294"
		((++pid))
	done
}

@test "a NAME is a whole name" {
	fake 10 web 0 1 0
	config <<<"web 5"
	adjust -c c.conf --proc proc we
	status_is 1
	err_is 'oom_adjust: no rule named "we"'
}

@test "-k has no deadline of its own, a run has" {
	need_bare
	config <<<"$MARK 5"
	mkfifo log
	exec {hold}<>log
	"$OOM_ADJUST" -k -c c.conf log >out 2>err 3>&- {hold}>&- &
	local pid=$!
	# For a deadline there would be a second thread. It starts before the
	# program, and not the shell that is to become it, opens the log.
	until [[ $(readlink "/proc/$pid/exe") != "$(readlink "/proc/$$/exe")" &&
		$(readlink "/proc/$pid/fd/"*) == *"/log"* ]]; do
		kill -0 "$pid"
		sleep 0.02
	done
	[[ $(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l) -eq 1 ]]
	kill "$pid"
	exec {hold}>&-
	adjust_by strace -f -o trace -e trace=clone,clone3 -- -q -c c.conf
	grep -q clone trace
	adjust_by strace -f -o trace -e trace=clone,clone3 -- -q -c c.conf \
		--timeout 0
	[[ ! -s trace || $(grep -c clone trace) -eq 0 ]]
}

@test "-l and -k without a config, and with a broken one" {
	fake 10 web 0 1 0
	echo 'Out of memory: Killed process 12 (web) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:8kB oom_score_adj:0' >log
	# a config with an error
	config <<<"web 5000"
	adjust -k -c c.conf log
	status_is 1
	err_has "c.conf:1: " "going on without rules"
	out_has "web"
	adjust -l -c c.conf
	status_is 1
	err_has "c.conf:1: " "going on without rules"
	out_has "PID"
	# a named config that does not exist
	adjust -k -c nosuch.conf log
	status_is 1
	out_has "web"
	adjust -c nosuch.conf
	status_is 1
	out_is ""
}
