# kernels: stable
# seconds: 120
# cpus: 2
# A daemon forks while oom_adjust runs. A child that it forked just before it
# was adjusted has the old value, and where PIDs have wrapped the walk may have
# passed its PID already.

echo 1000 > /proc/sys/kernel/pid_max
config <<< "goal -17"

goals() {
	local dir
	for dir in /proc/[0-9]*; do
		if named "${dir#/proc/}" goal; then
			echo "${dir#/proc/} $(cat "$dir/oom_score_adj")"
		fi
	done
}

wrong=0 children=0
for ((i = 0; i < 15; i++)); do
	echo 960 > /proc/sys/kernel/ns_last_pid
	start goal idle -c ready -w -f 150 -i 2000
	within 10 grep -q ready "/proc/$pid/comm"
	tell "$pid"
	pester -s 40000 1 oom_adjust -q -c "$conf" > pestered
	kill -STOP "$pid"
	goals > now
	children=$((children + $(wc -l < now)))
	if ! grep -q '^status 0: 1$' pestered || grep -v ' -1000$' now; then
		wrong=$((wrong + 1))
	fi
	cut -d" " -f1 now | xargs kill -9
	within 5 gone "$pid"
done
echo "$children processes in all"
check "there were children" [ "$children" -gt 150 ]
is "rounds in which one kept the old value" "$wrong" 0
