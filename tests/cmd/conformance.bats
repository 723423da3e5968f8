#!/usr/bin/env bats
# Which processes a name means, compared with pidof -x of sysvinit. There is a
# real process for every way to have a name; and every other name on the machine
# is tried too, in dry runs.

load common

# The pidofs of busybox and procps answer differently.
pidof_is_sysvinit() {
	PIDOF=$(command -v pidof) && [[ $(readlink -f "$PIDOF") == */killall5 ]]
}

need_pidof() {
	pidof_is_sysvinit || skip "NOT RUN: needs pidof of sysvinit-utils"
}

# ask NAME: put the PIDs that each finds for it now into ours and theirs.
ask() {
	local pid rest quoted
	quote "$1"
	printf 'process t {\n\tname = %s\n\toom_score_adj = 1000\n}\n' \
		"$quoted" >same.conf
	adjust -n -c same.conf
	[[ $status -eq 0 && -z $err ]] || complain "name: $1"
	"$PIDOF" -x -- "$1" >pidof.out 3>&- || :
	ours=()
	while read -r pid rest; do
		[[ $rest != "("*"): "* ]] || ours[$pid]=1
	done <out
	theirs=()
	read -r rest <pidof.out || :
	for pid in $rest; do
		[[ -n ${kernel[$pid]:-} ]] || theirs[$pid]=1
	done
}

# Whether NAME means the same processes to both, kernel threads apart, which
# never match here. Other processes come and go, so only a difference that is
# about the same process each time counts.
same() {
	local name=$1 pid try
	local -A ours theirs differ
	for try in 1 2 3 4; do
		ask "$name"
		if [[ $try -eq 1 ]]; then
			for pid in "${!ours[@]}" "${!theirs[@]}"; do
				differ[$pid]=1
			done
		fi
		for pid in "${!differ[@]}"; do
			[[ ${ours[$pid]:-} != "${theirs[$pid]:-}" ]] ||
				unset "differ[$pid]"
		done
		[[ ${#differ[@]} -gt 0 ]] || return 0
		sleep 0.1
		# One may have been started after the last look.
		[[ ${#kernel[@]} -eq 0 ]] || find_kernel_threads
	done
	printf 'name %q: other than pidof -x says: %s\n' "$name" \
		"${!differ[*]}" >&2
	differences=$((differences + 1))
}

# Kernel threads have the flag PF_KTHREAD, 0x00200000.
find_kernel_threads() {
	local dir stat
	local -a field
	kernel=()
	for dir in /proc/[0-9]*; do
		read -r -d '' stat <"$dir/stat" || :
		read -r -a field <<<"${stat##*) }"
		[[ -z ${field[6]:-} ]] || ((!(field[6] & 0x200000))) ||
			kernel[${dir#/proc/}]=1
	done 2>/dev/null
}

# Add the names by which the process of directory $1 may be found to $names.
add_names_of() {
	local comm arg base
	local -a args
	IFS= read -r -d '' comm <"$1/comm" || :
	comm=${comm%$'\n'}
	args=()
	mapfile -d '' -t -n 8 args <"$1/cmdline" || :
	for arg in "$comm" "${args[@]}"; do
		base=${arg##*/}
		[[ -z $base ]] || names[$base]=1
		[[ -z $base ]] || names[${base:0:15}]=1
		[[ $arg == */* || -z $arg ]] || names[$arg]=1
	done
}

# Compare for every name of the directories, and count differences.
same_for() {
	local dir name
	local -A names=()
	for dir; do
		add_names_of "$dir" 2>/dev/null
	done
	differences=0
	for name in "${!names[@]}"; do
		# not one of the two programs that are compared
		[[ $name == pidof || ${#name} -gt 200 ]] || same "$name"
	done
	[[ $differences -eq 0 ]]
}

# matches PID NAME, differs PID NAME: whether NAME means PID here.
listed() {
	local quoted
	quote "$2"
	printf 'process t {\n\tname = %s\n\toom_score_adj = 1000\n}\n' \
		"$quoted" >same.conf
	adjust -n -c same.conf
	status_is 0
	grep -Eq "^ +$1 \(" out
}

matches() {
	listed "$1" "$2" || complain "$2 does not mean process $1"
}

differs() {
	! listed "$1" "$2" || complain "$2 means process $1"
}

pidof_has() {
	[[ " $("$PIDOF" -x -- "$2" 3>&-) " == *" $1 "* ]]
}

# Start a script that reports when it runs, and waits.
script() {
	rm -f "$1"
	cat >"$1"
	chmod +x "$1"
}

# agree PID NAME ...: for both, each NAME means the process, and each NAME after
# "not" does not.
agree() {
	local pid=$1 want=matches name
	shift
	for name; do
		if [[ $name == -not- ]]; then
			want=differs
			continue
		fi
		$want "$pid" "$name"
		if [[ $want == matches ]]; then
			pidof_has "$pid" "$name" ||
				complain "pidof: $name is not $pid"
		else
			! pidof_has "$pid" "$name" ||
				complain "pidof: $name is $pid"
		fi
	done
	under_valgrind || untraced same_for "/proc/$pid"
}

@test "argv[0]: a bare name, a path, a path that ends in a slash" {
	need_pidof
	actor pid "$MARK"
	agree "$pid" "$MARK" -not- actor "$MARK"x "${MARK%?}"
	actor pid "/usr/sbin/${MARK}p" -D
	agree "$pid" "${MARK}p" -not- actor "$MARK"
	actor pid "sbin/${MARK}q"
	agree "$pid" "${MARK}q"
	actor pid "/x/${MARK}r/"
	agree "$pid" -not- "${MARK}r"
}

@test "renamed with prctl: argv[0] counts, not the new name" {
	need_pidof
	actor pid -c "${MARK}c" "$MARK"
	agree "$pid" "$MARK" -not- "${MARK}c"
}

@test "argv[0] with blanks: the new name counts too" {
	need_pidof
	actor pid -c "${MARK}c" "$MARK: master process"
	agree "$pid" "${MARK}c" "$MARK: master process" -not- "$MARK" "$MARK:"
	actor pid -c "${MARK}d" -s "${MARK}d: worker process /etc/x.conf (idle)" x
	agree "$pid" "${MARK}d" -not- "x" "x.conf"
	actor pid -c "${MARK}e" $'one\ttab'
	agree "$pid" $'one\ttab' -not- "${MARK}e"
	actor pid -c "${MARK}f" "/bin/a b/${MARK}g"
	agree "$pid" "${MARK}f" "${MARK}g"
}

@test "a title that reaches into the environment" {
	need_pidof
	actor pid -c "${MARK}c" -s "$(printf '%s: %0200d' "$MARK" 0)" "$MARK"
	agree "$pid" "${MARK}c" -not- "$MARK"
	actor pid -s "$(printf '/%0200d/%s' 0 "$MARK")" short
	agree "$pid" "$MARK" -not- short
}

@test "empty argv[0], no arguments, zeroed arguments" {
	need_pidof
	actor pid -c "${MARK}c" ""
	agree "$pid" "${MARK}c"
	actor pid -c "${MARK}d" "" arg
	agree "$pid" "${MARK}d" -not- arg
	actor pid -c "${MARK}e" -0 "$MARK" arg
	agree "$pid" "${MARK}e" -not- "$MARK"
	actor pid -c "${MARK}f" -a "$MARK"
	agree "$pid" "${MARK}f" -not- "$MARK"
	actor pid -c "${MARK}g" "" "/opt/${MARK}g"
	agree "$pid" "${MARK}g"
}

@test "login shells" {
	need_pidof
	actor pid -c "${MARK}a" -- "-bash"
	agree "$pid" "${MARK}a" "-bash" -not- bash
	actor pid -c "${MARK}b" -- "-bash" -i -l
	agree "$pid" "${MARK}b" -not- bash
	actor pid -c "${MARK}c" -- "-bash" script
	agree "$pid" -not- "${MARK}c" bash script
	actor pid -c "${MARK}d" -- "-bash" ""
	agree "$pid" "${MARK}d"
	actor pid -c "${MARK}e" -- "-bash" "" script
	agree "$pid" "${MARK}e"
	actor pid -c "${MARK}f" -- "-"
	agree "$pid" "${MARK}f"
	actor pid -c "${MARK}g" "bash" -l
	agree "$pid" -not- "${MARK}g"
}

@test "scripts under sh, with and without options" {
	need_pidof
	script "${MARK}.sh" <<-'EOF'
		#!/bin/sh
		echo ready
		read -r _
	EOF
	actor pid -r "$PWD/$MARK.sh" "$MARK.sh"
	agree "$pid" "$MARK.sh" sh -not- "$MARK" dash
	sed -i '1s/$/ -u/' "$MARK.sh"
	actor pid -r "$PWD/$MARK.sh" "$MARK.sh"
	agree "$pid" "$MARK.sh"
	# If the interpreter is run by its name, comm is the interpreter's.
	actor pid -r /bin/sh sh "$PWD/$MARK.sh"
	agree "$pid" sh -not- "$MARK.sh"
}

@test "scripts under perl, with and without options" {
	need_pidof
	local options
	for options in "" " -w"; do
		script "${MARK}.pl" <<-EOF
			#!/usr/bin/perl$options
			\$| = 1;
			print "ready\n";
			my \$line = <STDIN>;
		EOF
		actor pid -r "$PWD/$MARK.pl" "$MARK.pl" --option arg
		agree "$pid" "$MARK.pl" perl -not- arg
	done
}

@test "scripts under python, with and without options" {
	need_pidof
	need_program python3
	local options
	for options in "" " -u" " -Es"; do
		script "${MARK}.py" <<-EOF
			#!/usr/bin/python3$options
			import sys
			print("ready", flush=True)
			sys.stdin.read()
		EOF
		actor pid -r "$PWD/$MARK.py" "$MARK.py" arg
		agree "$pid" "$MARK.py" python3 -not- arg
	done
	# With env(1) comm is the interpreter's.
	sed -i '1s/.*/#!\/usr\/bin\/env python3/' "$MARK.py"
	actor pid -r "$PWD/$MARK.py" "$MARK.py"
	agree "$pid" python3 -not- "$MARK.py"
}

@test "a script's options that take a word hide it, as for pidof" {
	need_pidof
	actor pid -c "${MARK}s" perl -I /usr/lib "/opt/${MARK}s"
	agree "$pid" -not- "${MARK}s"
	actor pid -c "${MARK}t" perl -w - "/opt/${MARK}t"
	agree "$pid" "${MARK}t"
	actor pid -c "${MARK}u" perl -w "" "/opt/${MARK}u"
	agree "$pid" -not- "${MARK}u"
	actor pid -c "${MARK}v" perl "${MARK}v"
	agree "$pid" "${MARK}v"
	actor pid -c "${MARK}w" perl "./${MARK}w" "other"
	agree "$pid" "${MARK}w" -not- other
	actor pid -c "${MARK}x" perl "/opt/other"
	agree "$pid" -not- "${MARK}x" other
}

@test "names of 15, 16 and 30 bytes" {
	need_pidof
	local n name
	for n in 15 16 30; do
		name=$(printf '%s%0*d' "$MARK" $((n - ${#MARK})) 1)
		[[ ${#name} -eq $n ]]
		cp "$HELPERS/actor" "./$name"
		actor pid -e "./$name" "/sbin/$name"
		agree "$pid" "$name"
		kill_actor "$pid"
		actor pid -e "./$name" ""
		if [[ $n -eq 15 ]]; then
			agree "$pid" "$name"
		else
			agree "$pid" "${name:0:15}" -not- "$name"
		fi
		kill_actor "$pid"
		script "$name" <<<$'#!/bin/sh\necho ready\nread -r _'
		actor pid -r "./$name" "$name"
		agree "$pid" "$name"
		[[ $n -eq 15 ]] || differs "$pid" "${name:0:15}"
		kill_actor "$pid"
	done
}

@test "names with ), newline, blank, backslash, invalid UTF-8" {
	need_pidof
	local name
	for name in "$MARK) S 1" "$MARK"$'\nUid:\t0' "$MARK"$'\xff\xfe' \
		"$MARK\\n" "$MARK (x)" ")" $'\x01'"$MARK"; do
		actor pid -c "$name" "$name"
		agree "$pid" "$name"
		kill_actor "$pid"
		actor pid -c "$name" ""
		agree "$pid" "${name:0:15}"
		kill_actor "$pid"
		actor pid -c "$name" perl "/opt/$name"
		agree "$pid" "$name"
		kill_actor "$pid"
	done
}

@test "a zombie, and a process whose main thread has exited" {
	need_pidof
	actor pid -z "$MARK"
	agree "$pid" -not- "$MARK" actor
	actor pid -x -c "${MARK}x" "$MARK"
	agree "$pid" -not- "$MARK" "${MARK}x"
}

@test "threads are not processes" {
	need_pidof
	actor pid -t 3 "$MARK"
	agree "$pid" "$MARK" -not- actor-thread
	matches "$pid" "$MARK"
	[[ $(grep -c '): ' out) -eq 1 ]]
}

@test "other users', namespaces', multi-threaded processes" {
	need_pidof
	need_namespaces
	actor pid -u 4711 "$MARK"
	agree "$pid" "$MARK"
	actor pid -U "${MARK}u"
	agree "$pid" "${MARK}u"
	actor pid -P "${MARK}p"
	agree "$pid" "${MARK}p"
	actor pid -P -U -u 4711,4712,4713 -t 2 "${MARK}q"
	agree "$pid" "${MARK}q"
}

@test "a path: the binary, also deleted, also by another spelling" {
	need_pidof
	cp "$HELPERS/actor" "./$MARK"
	actor pid -e "$PWD/$MARK" "$MARK"
	matches "$pid" "$PWD/$MARK"
	pidof_has "$pid" "$PWD/$MARK"
	ln -s "$MARK" "${MARK}l"
	# On purpose: a symbolic link to the binary means the binary.
	matches "$pid" "$PWD/${MARK}l"
	differs "$pid" "/$MARK"
	rm "$MARK"
	matches "$pid" "$PWD/$MARK"
	pidof_has "$pid" "$PWD/$MARK"
	cp "$HELPERS/actor" "./${MARK}d"
	actor pid -d -e "$PWD/${MARK}d" other
	matches "$pid" "$PWD/${MARK}d"
	agree "$pid" other -not- "${MARK}d"
}

@test "a path: a script by it" {
	need_pidof
	script "$MARK" <<<$'#!/bin/sh -u\necho ready\nread -r _'
	actor pid -r "$PWD/$MARK" "$MARK"
	matches "$pid" "$PWD/$MARK"
	pidof_has "$pid" "$PWD/$MARK"
	differs "$pid" "/opt/$MARK"
	kill_actor "$pid"
	# comm must be the script's name.
	actor pid sh "$PWD/$MARK"
	differs "$pid" "$PWD/$MARK"
}

# From here on: differences from pidof -x that are on purpose.

@test "difference: argv[0] proves no path" {
	need_pidof
	actor pid "/usr/sbin/$MARK"
	pidof_has "$pid" "/usr/sbin/$MARK"
	differs "$pid" "/usr/sbin/$MARK"
	matches "$pid" "$MARK"
	actor pid "${MARK}b"
	pidof_has "$pid" "/usr/sbin/${MARK}b"
	differs "$pid" "/usr/sbin/${MARK}b"
	actor pid -c "${MARK}c" "x y"
	pidof_has "$pid" "/usr/sbin/${MARK}c"
	differs "$pid" "/usr/sbin/${MARK}c"
}

@test "difference: kernel threads never match" {
	need_pidof
	local -A kernel
	find_kernel_threads
	[[ ${#kernel[@]} -gt 0 ]] || skip "NOT RUN: no kernel thread is to be seen"
	local pid comm seen=0
	for pid in "${!kernel[@]}"; do
		IFS= read -r -d '' comm <"/proc/$pid/comm" || :
		comm=${comm%$'\n'}
		[[ -n $comm && $comm != */* ]] || continue
		differs "$pid" "$comm"
		! pidof_has "$pid" "$comm" || seen=$((seen + 1))
		[[ $seen -lt 5 ]] || break
	done
	[[ $seen -gt 0 ]]
}

@test "difference: oom_adjust itself never matches" {
	local name
	name=${OOM_ADJUST##*/}
	ln -s "$OOM_ADJUST" "$MARK"
	printf '%s 5\n%s 5\n' "$name" "$MARK" >c.conf
	OOM_ADJUST=./$MARK adjust -n -c c.conf "$MARK"
	status_is 0
	out_has "0 processes"
}

@test "every other name on this machine" {
	need_pidof
	! under_valgrind || skip "NOT RUN: takes too long under valgrind"
	local -A kernel
	find_kernel_threads
	# Some processes of ours, at the same time.
	actor pid -c "${MARK}c" "$MARK: a b"
	actor pid "/usr/sbin/$MARK"
	actor pid -x "$MARK"
	untraced same_for /proc/[0-9]*
}
