# machine: host initramfs
# A memory cgroup reaches its limit: the kernel kills the process that the
# config wants killed, and none outside. Needs no negative value, so no guest
# either.

group=
for top in /sys/fs/cgroup/memory /sys/fs/cgroup; do
	group=$top/oom_adjust-$$
	[ -w "$top/cgroup.procs" ] || continue
	[ "$top" = /sys/fs/cgroup/memory ] ||
	    grep -qs memory "$top/cgroup.controllers" || continue
	echo +memory > "$top/cgroup.subtree_control"
	mkdir "$group" && break
done 2>/dev/null
if [ ! -d "$group" ]; then
	skip "memory cgroup" "no memory controller that can be written"
	return
fi

cleanup() {
	stop_all
	sleep 0.2
	rmdir "$group"
	finish
}
trap cleanup EXIT

# Without swap, where there is any.
limit=$((96 << 20))
for file in memory.limit_in_bytes memory.memsw.limit_in_bytes memory.max; do
	[ ! -e "$group/$file" ] || echo "$limit" > "$group/$file"
done 2>/dev/null
[ ! -e "$group/memory.swap.max" ] || echo 0 > "$group/memory.swap.max"

# member NAME COMMAND...: start it within the group.
member() {
	local name=$1
	shift
	(
		echo "$BASHPID" > "$group/cgroup.procs"
		exec -a "$name" "$@"
	) &
	began "$name"
}

# Names that no other process has.
config <<END
vm$$-keep 0
vm$$-ten 10
vm$$-out 15
END

# The kernel may kill once more before the memory of its victim is free: then
# the order is what the config decides.
alive_or_later() {
	alive "$keep" ||
	    [ "$(dmesg | grep -Eo "Killed process ($ten|$keep) " | head -n 1)" = \
	    "Killed process $ten " ]
}

# round NAME NAME: two equally big processes, started in this order; a third
# has no room beside them.
round() {
	local name
	for name in "$@"; do
		member "vm$$-$name" idle -m 32
		within 20 uses_mb "$pid" 32
		declare -g "$name=$pid"
	done
	member "vm$$-more" idle -w -m 40
	more=$pid
	start "vm$$-out" idle -m 32
	outside=$pid
	within 20 uses_mb "$outside" 32
	adjust
	is "status" "$status" 0
	is "values" "$(adj "$keep") $(adj "$ten") $(adj "$outside")" "0 588 1000"
	adjust -l "vm$$-keep" "vm$$-ten"
	is "$*: -l has the one at 10 first" \
	    "$(awk 'NR == 2 { print $1 }' <<< "$out")" "$ten"
	tell "$more"
	check "$*: the one at 10 is killed" within 30 gone "$ten"
	check "$*: what needed the memory has it" \
	    within 20 uses_mb "$more" 40
	check "$*: the one at 0 survives" alive_or_later
	check "$*: as does one at 15 outside of the group" \
	    alive "$outside"
	stop_all
}
round ten keep
round keep ten
