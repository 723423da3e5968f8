#!/usr/bin/env bats
# The value that is written, and what happens if it cannot be written.
# shellcheck disable=SC2154 # out, err, pid are set by common.bash

load common

@test "every oom_adj from 0 to 15 becomes what the kernel makes of it" {
	need_service
	local v kernel
	[[ -w /proc/self/oom_adj ]] || skip "NOT RUN: no oom_adj in this kernel"
	for v in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		config <<<"$MARK $v"
		# Without CAP_SYS_RESOURCE oom_adj can only be raised.
		actor theirs "theirs"
		echo "$v" >"/proc/$theirs/oom_adj"
		kernel=$(value "$theirs")
		actor pid "$MARK"
		adjust -q -c c.conf
		status_is 0
		value_is "$pid" "$kernel"
		kill_actor "$pid"
		kill_actor "$theirs"
	done
	actor pid -o 5 "$MARK"
	config <<<"$MARK 0"
	adjust -q -c c.conf
	value_is "$pid" 0
}

@test "every negative oom_adj in a dry run" {
	local v=0 want
	actor pid "$MARK"
	# as read back on Linux 6.1
	for want in -58 -117 -176 -235 -294 -352 -411 -470 -529 -588 -647 -705 \
		-764 -823 -882 -941 -1000; do
		v=$((v - 1))
		# The tests may be run by a login user.
		config <<<"process $MARK { oom_adj = $v user = {$EUID} }"
		adjust -n -c c.conf
		status_is 0
		process_line "$pid" "(actor): 0 -> $want"
	done
}

@test "negative values, where they are allowed" {
	need_root
	actor pid "$MARK"
	echo -5 2>/dev/null >"/proc/$pid/oom_score_adj" ||
		skip "NOT RUN: no CAP_SYS_RESOURCE here"
	local v=0 want
	for want in -58 -117 -176 -235 -294 -352 -411 -470 -529 -588 -647 -705 \
		-764 -823 -882 -941 -1000; do
		v=$((v - 1))
		config <<<"$MARK $v"
		adjust -q -c c.conf
		status_is 0
		value_is "$pid" $want
		echo "$v" >"/proc/$pid/oom_adj"
		value_is "$pid" $want
	done
}

@test "lowering without CAP_SYS_RESOURCE: the reason, status 2, the rest done" {
	need_root
	actor a "${MARK}a"
	actor b "${MARK}b"
	actor c "${MARK}c"
	config <<-EOF
		${MARK}a 5
		${MARK}b -17
		${MARK}c 6
	EOF
	adjust_by setpriv --bounding-set -sys_resource -- -v -c c.conf
	status_is 2
	err_is "oom_adjust: actor ($b): cannot set oom_score_adj to -1000: Permission denied (lowering needs CAP_SYS_RESOURCE)"
	process_line "$b" "(actor): failed: Permission denied (lowering needs CAP_SYS_RESOURCE)"
	out_has "3 processes: 2 changed, 0 already set, 1 failed, 0 passed over"
	value_is "$a" 294
	value_is "$b" 0
	value_is "$c" 352
	# It is reported in every mode.
	adjust_by setpriv --bounding-set -sys_resource -- -q -c c.conf
	status_is 2
	out_is ""
	err_has "cannot set oom_score_adj to -1000"
	# It is reported once for each run, not for each pass.
	[[ $(wc -l <err) -eq 1 ]]
}

@test "an ordinary user: other users' processes fail, with the reason" {
	need_root
	open_directory
	actor pid "$MARK"
	config <<<"$MARK 5"
	chown 65534 c.conf
	adjust_by "${NOBODY[@]}" -- -v -c c.conf
	status_is 2
	err_has "actor ($pid)" "cannot set oom_score_adj to 294" \
		"Permission denied"
	[[ $err != *CAP_SYS_RESOURCE* ]] || complain "not the reason"
	value_is "$pid" 0
}

@test "only oom_score_adj is opened where it exists" {
	need_bare
	actor pid "$MARK"
	config <<<"$MARK 5"
	adjust_by strace -f -o log -e trace=file -- -q -c c.conf
	status_is 0
	grep -q oom_score_adj log
	! grep 'oom_adj",' log || complain "oom_adj"
}

# Kernels before 2.6.36 have oom_adj alone: a tree of plain files is one.

@test "an old kernel: oom_adj is written, converted back" {
	fake 10 one
	fake 11 two
	fake 12 three
	fake 13 four
	echo 0 | tee proc/{10,11,12,13}/oom_adj >/dev/null
	config <<-EOF
		one 5
		two -17
		process three { oom_score_adj = 300 }
		process four { oom_score_adj = -1000 }
	EOF
	adjust -v -c c.conf --proc proc
	status_is 0
	err_is ""
	[[ $(<proc/10/oom_adj) == 5 ]]
	[[ $(<proc/11/oom_adj) == -17 ]]
	[[ $(<proc/12/oom_adj) == 5 ]]
	[[ $(<proc/13/oom_adj) == -17 ]]
	[[ ! -e proc/10/oom_score_adj ]]
	out_has "4 processes: 4 changed"
	# A second run finds the values set.
	touch -d @1 proc/*/oom_adj
	adjust -c c.conf --proc proc
	status_is 0
	out_has "4 processes: 0 changed, 4 already set"
	[[ -z $(find proc -name oom_adj -newermt @2) ]] || complain "written"
}

@test "an old kernel: the nearest value that oom_adj has" {
	local v
	fake 10 one
	for v in 1000:15 999:15 900:15 882:15 300:5 100:2 59:1 58:1 1:0 0:0 -1:0 \
		-58:-1 -100:-2 -300:-5 -941:-16 -970:-16 -999:-16 -1000:-17; do
		echo 7 >proc/10/oom_adj
		config <<<"process one { oom_score_adj = ${v%:*} }"
		adjust -q -c c.conf --proc proc
		status_is 0
		[[ $(<proc/10/oom_adj) == "${v#*:}" ]] ||
			complain "${v%:*}: $(<proc/10/oom_adj)"
	done
}

@test "a kernel with both: oom_adj is never touched" {
	fake 10 one
	echo 0 >proc/10/oom_score_adj
	echo 0 >proc/10/oom_adj
	chmod 0 proc/10/oom_adj
	touch -d @1 proc/10/oom_adj
	config <<<"one 5"
	adjust -q -c c.conf --proc proc
	status_is 0
	[[ $(<proc/10/oom_score_adj) == 294 ]]
	[[ $(stat -c %Y proc/10/oom_adj) -eq 1 ]]
}

@test "a process that is gone in the middle is no error" {
	fake 10 one
	fake 11 two
	fake 12 one
	mkdir proc/13
	echo 0 >proc/12/oom_score_adj
	config <<<"one 5"
	adjust -v -c c.conf --proc proc
	status_is 0
	err_is ""
	out_has "1 process: 1 changed"
	[[ $(<proc/12/oom_score_adj) == 294 ]]
}

@test "only numbers are processes in --proc" {
	fake 10 one
	echo 0 >proc/10/oom_score_adj
	cp -r proc/10 proc/self
	cp -r proc/10 proc/10x
	cp -r proc/10 proc/sys
	config <<<"one 5"
	adjust -q -c c.conf --proc proc
	status_is 0
	[[ $(<proc/10/oom_score_adj) == 294 ]]
	[[ $(<proc/10x/oom_score_adj) == 0 ]]
	[[ $(<proc/self/oom_score_adj) == 0 ]]
	[[ $(<proc/sys/oom_score_adj) == 0 ]]
}

@test "--proc of another mount point of procfs" {
	need_namespaces
	not_under_valgrind
	config <<<"$MARK 5"
	actor pid "$MARK"
	mkdir host
	# shellcheck disable=SC2016 # the inner shell expands
	adjust_by unshare --mount bash -c 'mount -t proc proc host &&
		mount -t tmpfs none /proc && exec "$@"' bash -- \
		-q -c c.conf --proc "$PWD/host"
	status_is 0
	# A sanitizer needs /proc at its usual place.
	[[ -n ${OOM_ADJUST_WRAPPED:-} ]] || err_is ""
	value_is "$pid" 294
}
