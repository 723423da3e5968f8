# machine: host initramfs
# seconds: 400
# cpus: 2
# kernels: newest
# Many runs while processes start, rename themselves and end all the time and
# their PIDs are used again within milliseconds. A thousand on the host, among
# processes of their own; some with a negative value in a guest, which is
# slower.

if [ "$dir" = /vm ]; then
	runs=200 stop=20000 alive=15 value=-17 score=-1000
elif [ $$ -ne 1 ]; then
	unshare --pid --fork --kill-child --mount-proc bash "$dir/go" load
	return
else
	runs=1000 stop=5000 alive=30 value=10 score=588
fi

# Before Linux 6.14 this is for the whole machine.
if [ "$dir" = /vm ] || printf '6.14\n%s\n' "$(uname -r)" | sort -CV; then
	echo 450 > /proc/sys/kernel/pid_max
fi
start goal
goal=$pid
config <<< "goal $value"

churn goal "$alive" > "$scratch/churned" &
churn=$!
began churn
sleep 1
# So few descriptors that it would be noticed if one for each process stayed
# open.
prlimit --nofile=24 pester -s "$stop" "$runs" oom_adjust -q -c "$conf" \
    > "$scratch/pestered" 2> "$scratch/errors"
check "churn goes on" alive "$churn"
kill "$churn"
within 20 gone "$churn"
cat "$scratch/churned" "$scratch/pestered"
is "status of every run" "$(grep status "$scratch/pestered")" "status 0: $runs"
is "no message" "$(cat "$scratch/errors")" ""
like "no stranger was ever changed" "$(cat "$scratch/churned")" \
    "^[0-9]+ processes, 0 strangers changed$"
is "the one that stays has its value" "$(adj "$goal")" "$score"
check "at most 4 MB of memory" \
    [ "$(awk '/most/ { print $3 }' "$scratch/pestered")" -le 4096 ]
