#!/usr/bin/env bats
# The lowmemorykiller step, against real files at the real path: a tmpfs over
# /sys/module in a mount namespace stands in for the module.
# shellcheck disable=SC2154 # out, err are set by common.bash

load common

# Make the module's parameters, with ADJ and MINFREE in them.
module() {
	need_namespaces
	mkdir -p module/lowmemorykiller/parameters
	printf '%s\n' "$1" >module/lowmemorykiller/parameters/adj
	printf '%s\n' "$2" >module/lowmemorykiller/parameters/minfree
}

# Run oom_adjust with ./module mounted at /sys/module, after the shell command in
# $PREPARE. Afterwards $adj and $minfree are the parameters.
adjust_module() {
	# shellcheck disable=SC2016 # the inner shell expands
	adjust_by unshare --mount bash -c '
		mkdir -p module
		mount -t tmpfs tmpfs /sys/module &&
		cp -a module/. /sys/module &&
		(cd /sys/module && eval "$1") || exit 99
		shift
		"$@" || status=$?
		rm -rf after
		cp -a /sys/module after
		exit ${status:-0}' bash "${PREPARE:-true}" -- "$@"
	adj=$(cat after/lowmemorykiller/parameters/adj 2>/dev/null) || :
	minfree=$(cat after/lowmemorykiller/parameters/minfree 2>/dev/null) || :
}

parameters_are() {
	[[ $adj == "$1" && $minfree == "$2" ]] ||
		complain "adj $adj, minfree $minfree"
}

disarm() {
	config <<<'lowmemorykiller { }'
}

@test "disarmed with the values that are the default" {
	module 0,1,6,12 1536,2048,4096,16384
	disarm
	adjust_module -c c.conf
	status_is 0
	err_is ""
	parameters_are 9999 1
	out_is "oom_adjust is setting oom_killer priorities
  Disabling lowmemorykiller (adj 9999, minfree 1)
0 processes: 0 changed, 0 already set, 0 failed, 0 passed over"
}

@test "other values are set" {
	module 9999 1
	config <<-EOF
		lowmemorykiller {
			adj = {0, 1, 6}
			minfree = {1536, 2048, 4096}
		}
	EOF
	adjust_module -c c.conf
	status_is 0
	parameters_are 0,1,6 1536,2048,4096
	out_has "  Setting lowmemorykiller (adj 0,1,6, minfree 1536,2048,4096)"
}

@test "a dry run writes nothing" {
	module 0,1 1536,2048
	disarm
	adjust_module -n -c c.conf
	status_is 0
	parameters_are 0,1 1536,2048
	out_has "Disabling lowmemorykiller (adj 9999, minfree 1)"
}

@test "no block: the module is left alone" {
	module 0,1 1536,2048
	config <<<"$MARK 5"
	adjust_module -v -c c.conf
	status_is 0
	parameters_are 0,1 1536,2048
	[[ $out != *lowmemorykiller* ]] || complain "mentioned"
}

@test "with names the step is left out" {
	module 0,1 1536,2048
	config <<<$'lowmemorykiller { }\n'"$MARK 5"
	adjust_module -v -c c.conf "$MARK"
	status_is 0
	parameters_are 0,1 1536,2048
	[[ $out != *lowmemorykiller* ]] || complain "mentioned"
}

@test "not loaded: nothing to do, mentioned under -v" {
	need_namespaces
	disarm
	adjust_module -c c.conf
	status_is 0
	err_is ""
	[[ $out != *lowmemorykiller* ]] || complain "mentioned"
	adjust_module -v -c c.conf
	status_is 0
	err_is ""
	out_has "  lowmemorykiller is not loaded"
	[[ ! -e after/lowmemorykiller ]]
}

@test "equal values are not written, not even where they could not be" {
	module 9999 1
	disarm
	PREPARE='mount -o remount,ro /sys/module' adjust_module -c c.conf
	status_is 0
	err_is ""
	out_has "Disabling lowmemorykiller (adj 9999, minfree 1)"
}

@test "only the one that differs is written" {
	module 9999 1024
	disarm
	PREPARE='touch -d @1 lowmemorykiller/parameters/*' \
		adjust_module -c c.conf
	status_is 0
	parameters_are 9999 1
	[[ $(stat -c %Y after/lowmemorykiller/parameters/adj) -eq 1 ]]
	module 0 1
	PREPARE='touch -d @1 lowmemorykiller/parameters/*' \
		adjust_module -c c.conf
	status_is 0
	parameters_are 9999 1
	[[ $(stat -c %Y after/lowmemorykiller/parameters/minfree) -eq 1 ]]
}

@test "a list that merely begins alike is another" {
	module 9999,0 1,2
	disarm
	adjust_module -q -c c.conf
	status_is 0
	parameters_are 9999 1
	module 99990 10
	adjust_module -q -c c.conf
	parameters_are 9999 1
	# Nothing is not 0.
	module "" 1
	config <<<'lowmemorykiller { adj = {0} minfree = {1} }'
	adjust_module -q -c c.conf
	parameters_are 0 1
}

@test "read-only: status 2, the file and the reason, minfree left alone" {
	module 0,1 1536,2048
	disarm
	PREPARE='mount -o remount,ro /sys/module' adjust_module -q -c c.conf
	status_is 2
	err_has "/sys/module/lowmemorykiller/parameters/adj: " "Read-only"
	[[ $err != *minfree* ]] || complain "minfree was tried"
	parameters_are 0,1 1536,2048
}

@test "the rules are applied all the same" {
	module 0,1 1536,2048
	config <<<"lowmemorykiller { }
$MARK 5"
	actor pid "$MARK"
	PREPARE='mount -o remount,ro /sys/module' adjust_module -q -c c.conf
	status_is 2
	# shellcheck disable=SC2154 # set by actor
	value_is "$pid" 294
}

@test "adj cannot be written: minfree stays" {
	module 0,1 1536,2048
	disarm
	PREPARE='rm lowmemorykiller/parameters/adj
		mkdir lowmemorykiller/parameters/adj' adjust_module -n -c c.conf
	status_is 2
	err_is "oom_adjust: /sys/module/lowmemorykiller/parameters/adj: Is a directory"
	[[ $minfree == 1536,2048 ]] || complain "minfree $minfree"
	PREPARE='rm lowmemorykiller/parameters/adj' adjust_module -q -c c.conf
	status_is 2
	err_has "parameters/adj: "
	[[ $minfree == 1536,2048 ]] || complain "minfree $minfree"
	[[ ! -e after/lowmemorykiller/parameters/adj ]] || complain "made it"
}

@test "minfree cannot be written: status 2" {
	module 0,1 1536,2048
	disarm
	PREPARE='rm lowmemorykiller/parameters/minfree
		mkdir lowmemorykiller/parameters/minfree' \
		adjust_module -q -c c.conf
	status_is 2
	err_has "parameters/minfree: "
	[[ $adj == 9999 ]] || complain "adj $adj"
}

@test "no space: status 2, minfree left alone" {
	module 0,1 1536,2048
	disarm
	PREPARE='mount -t tmpfs -o size=8k tmpfs lowmemorykiller/parameters
		: >lowmemorykiller/parameters/adj
		echo 1536,2048 >lowmemorykiller/parameters/minfree
		cat /dev/zero >lowmemorykiller/parameters/fill 2>/dev/null ||
			true' \
		adjust_module -q -c c.conf
	status_is 2
	err_has "parameters/adj: " "No space left"
	[[ $minfree == 1536,2048 ]] || complain "minfree $minfree"
}

@test "a short write: status 2, minfree left alone" {
	not_under_valgrind
	module 0,1 1536,2048
	disarm
	# Files may not grow beyond two bytes, so only these are written.
	# shellcheck disable=SC2016 # the inner shell expands
	unshare --mount bash -c '
		mount --bind module /sys/module
		{
			trap "" XFSZ
			prlimit --fsize=2 "$OOM_ADJUST" -q -c c.conf 2>&1
			echo "status $?"
		} | cat >all' 3>&-
	grep -Fx "status 2" all
	grep -F "parameters/adj: " all
	[[ $(<module/lowmemorykiller/parameters/minfree) == 1536,2048 ]]
}

@test "adj is written before minfree" {
	need_bare
	module 0,1 1536,2048
	disarm
	adjust_by strace -f -o log -e trace=openat,open -- \
		-q -c c.conf --sys "$PWD"
	status_is 0
	grep -E 'O_WRONLY|O_RDWR' log | grep -o 'parameters/[a-z]*' >order
	[[ $(tr '\n' ' ' <order) == "parameters/adj parameters/minfree " ]]
}

@test "--sys is another mount point of sysfs" {
	mkdir -p other/module/lowmemorykiller/parameters
	echo 0 >other/module/lowmemorykiller/parameters/adj
	echo 1000 >other/module/lowmemorykiller/parameters/minfree
	disarm
	adjust -q -c c.conf --sys other
	status_is 0
	[[ $(<other/module/lowmemorykiller/parameters/adj) == 9999 ]]
	[[ $(<other/module/lowmemorykiller/parameters/minfree) == 1 ]]
}

@test "a later drop-in's block counts" {
	mkdir -p c.conf.d other/module/lowmemorykiller/parameters
	echo 0 >other/module/lowmemorykiller/parameters/adj
	echo 1000 >other/module/lowmemorykiller/parameters/minfree
	disarm
	printf 'lowmemorykiller {\n\tadj = {5}\n\tminfree = {50}\n}\n' \
		>c.conf.d/1.conf
	adjust -q -c c.conf --sys other
	status_is 0
	[[ $(<other/module/lowmemorykiller/parameters/adj) == 5 ]]
	[[ $(<other/module/lowmemorykiller/parameters/minfree) == 50 ]]
}
