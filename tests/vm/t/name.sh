# seconds: 120
# A name is not proof: what an ordinary user, or a container, runs under the
# name of a protected daemon gets no protection.

idle=$(command -v idle)
alice=(setpriv --reuid=1000 --regid=1000 --clear-groups)
home=/home/alice

# impostor HOW REASON COMMAND...: note a process that must be passed over.
how=() pids=() reasons=()
impostor() {
	how+=("$1")
	reasons+=("$2")
	shift 2
	local before
	before=$(pids_of_idle)
	"$@" > /dev/null 2>&1 &
	started+=("$!")
	# The last descendant, maybe in a namespace of its own.
	within 10 more_idle "$before"
	sleep 0.1
	pid=$(pids_of_idle | tail -n 1)
	started+=("$pid")
	pids+=("$pid")
}

more_idle() {
	[ "$(pids_of_idle)" != "$1" ]
}

# pids_of_idle: all that run idle or a copy of it.
pids_of_idle() {
	local exe file
	for exe in /proc/[0-9]*/exe; do
		for file in "$idle" "$home"/*; do
			if [ "$exe" -ef "$file" ]; then
				echo "${exe//[!0-9]/}"
				break
			fi
		done
	done | sort -n
}

as_alice() {
	"${alice[@]}" "$@"
}

cp "$idle" "$home/sshd"
cp "$idle" "$home/plain"
ln -s plain "$home/named"
mkdir "$home/link" "$home/bin"
ln -s ../plain "$home/link/sshd"
cp "$idle" "$home/setuid"
chmod 4755 "$home/setuid"
cp "$idle" "$home/drops"
chown 1000:1000 "$home/drops"
chmod 4755 "$home/drops"
printf '#!%s -m1\n' "$idle" > "$home/bin/sshd"
chmod 755 "$home/bin/sshd"

user="user alice (1000)"
impostor "copied binary" "$user" as_alice "$home/sshd"
impostor "copied binary in PATH" "$user" as_alice bash -c "cd $home && ./sshd"
impostor "exec -a" "$user" as_alice bash -c "exec -a sshd $idle"
impostor "exec -a with a path" "$user" \
    as_alice bash -c "exec -a /usr/sbin/sshd $idle"
impostor "prctl, title with blanks" "$user" \
    as_alice bash -c "exec -a 'sshd: alice@pts/0' $idle -c sshd"
impostor "prctl, no argv[0]" "$user" \
    as_alice bash -c "exec -a '' $idle -c sshd"
impostor "login shell" "$user" as_alice bash -c "exec -a -sshd $home/link/sshd"
impostor "symbolic link" "$user" as_alice "$home/link/sshd"
impostor "script" "$user" as_alice "$home/bin/sshd"
impostor "setuid root" "$user" as_alice bash -c "exec -a sshd $home/setuid"
impostor "setuid to a user" "$user" \
    setpriv --reuid=100 --regid=100 --clear-groups \
    bash -c "exec -a sshd $home/drops"
impostor "root's, effective user alice" "$user" \
    bash -c "exec -a sshd $idle -u0,1000,0"
impostor "root's, real user alice" "$user" \
    bash -c "exec -a sshd $idle -u1000,0,0"
impostor "root's, saved user alice" "$user" \
    bash -c "exec -a sshd $idle -u0,0,1000"
impostor "user namespace, uid 0 there" "$user" \
    as_alice unshare --user --map-root-user bash -c "exec -a sshd $idle"
impostor "user and PID namespace" "$user" \
    as_alice unshare --user --map-root-user --pid --fork \
    bash -c "exec -a sshd $idle"
impostor "PID namespace, root" "container (another PID namespace)" \
    unshare --pid --fork bash -c "exec -a sshd $idle"
impostor "PID namespace, its own /proc" "container (another PID namespace)" \
    unshare --pid --fork --mount-proc bash -c "exec -a sshd $idle"
impostor "PID namespace, system user" "container (another PID namespace)" \
    unshare --pid --fork setpriv --reuid=100 --regid=100 --clear-groups \
    bash -c "exec -a sshd $idle"
in_container=${pids[-3]}
n=${#pids[@]}

start sshd
daemon=$pid
start system setpriv --reuid=100 --regid=100 --clear-groups \
    bash -c "exec -a sshd $idle"
within 10 named "$pid" sshd
system=$pid

config <<< "sshd -17"
adjust -v
is "status" "$status" 0
is "the daemon is protected" "$(adj "$daemon")" -1000
is "so is one of a system user" "$(adj "$system")" -1000
for i in "${!pids[@]}"; do
	is "${how[i]}: not protected" "$(adj "${pids[i]}")" 0
	like "${how[i]}: reason" "$out" \
	    "^ +${pids[i]} \(.*\): passed over: ${reasons[i]//[()]/.}$"
done
like "counted" "$out" "^$((n + 2)) processes: 2 changed, 0 already set, 0 failed, $n passed over$"

# A path proves more: a process that only claims it does not match.
cp "$idle" /usr-sshd
start sshd /usr-sshd
real=$pid
config <<< "/usr-sshd -17"
start /usr-sshd idle
claims=$pid
impostor "claims the path" - as_alice bash -c "exec -a /usr-sshd $idle"
adjust
is "path: status" "$status" 0
is "path: the program there" "$(adj "$real")" -1000
is "path: what claims it" "$(adj "$pid")" 0
is "path: what claims it, and is root's" "$(adj "$claims")" 0
like "path: counted" "$out" "^1 process: 1 changed"

# A positive value is no privilege.
config <<< "sshd 5"
adjust
like "positive: for all" "$out" "^$((n + 3)) processes: $((n + 3)) changed, .* 0 passed over$"
for i in $(seq 0 $((n - 1))); do
	is "positive: ${how[i]}" "$(adj "${pids[i]}")" 294
done

# reset: everything back to 0.
reset() {
	local pid
	for pid in $(pids_of_idle); do
		echo 0 > "/proc/$pid/oom_score_adj"
	done
}

reset
config <<'END'
process sshd {
	user = {alice}
	oom_adj = -17
}
END
adjust
# Those whose effective user is alice: neither the set-user-ID root one, nor
# those in containers, nor the real daemons.
for i in "${!pids[@]}"; do
	euid=$(awk '/^Uid/ { print $3 }' "/proc/${pids[i]}/status")
	wanted=0
	if [ "$euid" = 1000 ] && [ "${how[i]}" != "claims the path" ] &&
	    [ "${how[i]}" != "user and PID namespace" ]; then
		wanted=-1000
	fi
	is "user = alice: ${how[i]}" "$(adj "${pids[i]}")" "$wanted"
done
is "user = alice: not the daemon" "$(adj "$daemon")" 0

reset
config <<'END'
process sshd {
	user = {root}
	oom_adj = -17
}
END
adjust
is "user = root: the daemon" "$(adj "$daemon")" -1000
is "user = root: not in a container" "$(adj "$in_container")" 0
is "user = root: not the system user's" "$(adj "$system")" 0
for i in "${!pids[@]}"; do
	is "user = root: not ${how[i]}" "$(adj "${pids[i]}")" 0
done

reset
config <<'END'
process sshd {
	containers = true
	oom_adj = -17
}
END
adjust
is "containers = true: the daemon" "$(adj "$daemon")" -1000
is "containers = true: in a container" "$(adj "$in_container")" -1000
is "containers = true: not alice's" "$(adj "${pids[0]}")" 0
i=0
while [ "${how[i]}" != "user and PID namespace" ]; do
	i=$((i + 1))
done
is "containers = true: not alice's in a container" "$(adj "${pids[i]}")" 0
