# memory: 256
# seconds: 120
# Memory runs out: the kernel kills in the order that the config asks for.

# The test itself must not be killed; the processes below are set to 0 one by
# one.
echo -1000 > /proc/$$/oom_score_adj

# begin NAME...: start processes of 32 MB, their PIDs in variables of the same
# name, and a hog that takes all memory when SIGUSR1 comes.
declare -A name_of
begin() {
	local name
	name_of=()
	dmesg -c > /dev/null
	for name in "$@" hog; do
		if [ "$name" = hog ]; then
			start "$name" idle -w -m 100000
		else
			start "$name" idle -m 32
			within 20 uses_mb "$pid" 32
		fi
		echo 0 > "/proc/$pid/oom_score_adj"
		name_of[$pid]=$name
		declare -g "$name=$pid"
	done
}

# run_out PID: have it take memory until it is killed itself.
run_out() {
	tell "$1"
	check "memory runs out" within 60 gone "$1"
	kills=$(dmesg | grep -c 'Killed process')
	kills_before=$((kills_before + kills))
}
kills_before=0

# killed: print whom the kernel killed, in that order. It calls them all idle.
killed() {
	local line
	dmesg | grep -o 'Killed process [0-9]*' | while read -r line; do
		printf '%s ' "${name_of[${line##* }]:-}"
	done | tr -s ' '
}

config <<'END'
sshd -17
low -3
ten 10
zero 0
process hog { oom_score_adj = -999 }
END

begin sshd ten zero low
echo -999 > "/proc/$hog/oom_score_adj"
echo 20 > "/proc/$sshd/oom_score_adj"
run_out "$hog"
like "without oom_adjust sshd can be the first to go" "$(killed)" '^sshd '
stop_all

begin sshd zero ten low
adjust
is "status" "$status" 0
adjust -l
is "-l has the first victim first" "$(awk 'NR == 2 { print $1 }' <<< "$out")" \
    "$ten"
run_out "$hog"
is "killed in the order of the config" "$(killed)" "ten zero low hog "
adjust -k
for name in ten zero low hog; do
	like "-k has $name" "$out" " oom +${!name} +idle "
done
like "-k counts them, and those before" "$out" \
    "^$kills_before kills: $kills_before idle$"
check "sshd survives until nothing else is left" alive "$sshd"
is "its value" "$(adj "$sshd")" -1000
stop_all

# The program that takes the memory is the daemon's own child, and was started
# when the daemon was protected.

# parent NAME COMMAND: start a daemon that runs the command as its child when
# SIGUSR1 comes, and send that after a run of oom_adjust. $child is the child's
# PID.
parent() {
	start "$1" bash -c "trap '$2 & echo \$! > child' USR1
		while :; do sleep 1; done" parent
	daemon=$pid
	echo 0 > "/proc/$daemon/oom_score_adj"
	adjust
	is "the daemon is protected" "$(adj "$daemon")" -1000
	rm -f child
	kill -USR1 "$daemon"
	within 10 test -s child
	child=$(cat child)
	started+=("$child")
	is "its child as well" "$(adj "$child")" -1000
	name_of[$child]=child
}

config <<'END'
sshd -17
zero 0
reset_inherited = true
END
begin zero
parent sshd "{ echo 1000 > /proc/self/loginuid; exec setpriv --reuid=1000 --regid=1000 --clear-groups idle -w -m 100000; }"
within 10 named "$child" idle
adjust
is "the child is of a login session: it is set back" "$(adj "$child")" 0
like "and reported" "$out" 'idle|inherited|1 changed'
run_out "$child"
is "the child alone is killed" "$(killed)" "child "
check "the daemon survives" alive "$daemon"
stop_all

config <<'END'
sshd -17
worker 10
zero 0
END
begin zero
parent sshd "exec -a worker idle -w -m 100000"
within 10 named "$child" worker
adjust
is "the child has a rule of its own" "$(adj "$child")" 588
run_out "$child"
is "the child alone is killed" "$(killed)" "child "
check "the daemon survives" alive "$daemon"
