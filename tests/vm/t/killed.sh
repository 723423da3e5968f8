# seconds: 120
# kernels: stable
# oom_adjust is killed at any moment: each process has its old value or its new
# one, and the next run completes the work.

config <<< "worker -17"
pids=()
for ((i = 0; i < 40; i++)); do
	start worker
	pids+=("$pid")
done

# count_values: count the processes that have 0, -1000 or another value.
count_values() {
	local pid value
	old=0 new=0 other=0
	for pid in "${pids[@]}"; do
		read -r value < "/proc/$pid/oom_score_adj"
		case $value in
		0) old=$((old + 1)) ;;
		-1000) new=$((new + 1)) ;;
		*) other=$((other + 1)) ;;
		esac
	done
}

# How long a run takes, in microseconds.
begin=${EPOCHREALTIME/./}
for ((i = 0; i < 5; i++)); do
	for pid in "${pids[@]}"; do
		echo 0 > "/proc/$pid/oom_score_adj"
	done
	oom_adjust -q -c "$conf"
done
took=$(((${EPOCHREALTIME/./} - begin) / 5))

before=0 between=0 after=0 wrong=0
for ((i = 0; i < 100; i++)); do
	for pid in "${pids[@]}"; do
		echo 0 > "/proc/$pid/oom_score_adj"
	done
	pester -k $((took * 5 / 4)) 1 oom_adjust -q -c "$conf" > pestered
	count_values
	if [ "$other" -ne 0 ]; then
		wrong=$((wrong + 1))
	elif [ "$new" -eq 0 ]; then
		before=$((before + 1))
	elif [ "$old" -eq 0 ]; then
		after=$((after + 1))
	else
		between=$((between + 1))
		left=$old
		adjust
		count_values
		[ "$status $new" = "0 40" ] || wrong=$((wrong + 1))
		grep -q "^40 processes: $left changed, $((40 - left)) already" \
		    <<< "$out" || wrong=$((wrong + 1))
	fi
done
echo "killed before the first write: $before, between two: $between," \
    "after the last: $after"
check "some were killed between two writes" [ "$between" -gt 0 ]
is "old value or new, and the next run completes it" "$wrong" 0
