# Every value, as the kernel reads it back.

block() {
	printf 'process %s { oom_score_adj = %s }\n' "$1" "$2"
}

# Two processes for each value: one for oom_adjust, one for the kernel.
scale=(-1000 -999 -942 -941 -500 -17 -16 -1 1 15 16 58 500 999 1000)
{
	for v in $(seq -- -17 15); do
		echo "adj$v $v"
	done
	for v in "${scale[@]}"; do
		block "score$v" "$v"
	done
} | config
declare -A ours theirs
for v in $(seq -- -17 15); do
	start "adj$v"
	ours[adj$v]=$pid
	start "plain"
	theirs[adj$v]=$pid
done
for v in "${scale[@]}"; do
	start "score$v"
	ours[score$v]=$pid
	start "plain"
	theirs[score$v]=$pid
done
start stranger
stranger=$pid

adjust
is "status" "$status" 0
is "nothing on standard error" "$err" ""
# 0 is what they have already.
like "summary" "$out" "^48 processes: 47 changed, 1 already set, 0 failed, 0 passed over$"
unlike "oom_adj is left alone" "$(dmesg | grep oom)" 'oom_adj is deprecated'

for v in $(seq -- -17 15); do
	echo "$v" > "/proc/${theirs[adj$v]}/oom_adj"
done
like "the kernel would have said so" "$(dmesg | grep oom)" 'oom_adj is deprecated'
for v in "${scale[@]}"; do
	echo "$v" > "/proc/${theirs[score$v]}/oom_score_adj"
done
for v in "${!ours[@]}"; do
	echo "$v $(adj "${theirs[$v]}")"
done | sort > wanted
for v in "${!ours[@]}"; do
	echo "$v $(adj "${ours[$v]}")"
done | sort > got
is "33 oom_adj values are what the kernel makes of them" \
    "$(grep ^adj got)" "$(grep ^adj wanted)"
is "oom_score_adj values are what the kernel makes of them" \
    "$(grep ^score got)" "$(grep ^score wanted)"
is "a stranger keeps his value" "$(adj "$stranger")" 0

adjust
is "second run: status" "$status" 0
like "second run: writes nothing" "$out" "^48 processes: 0 changed, 48 already set, 0 failed"

# A value that others have set becomes what the rule says.
for v in "${!ours[@]}"; do
	echo 33 > "/proc/${ours[$v]}/oom_score_adj"
done
adjust
like "third run: from another value" "$out" "^48 processes: 48 changed"
for v in "${!ours[@]}"; do
	echo "$v $(adj "${ours[$v]}")"
done | sort > got
is "third run: values" "$(cat got)" "$(cat wanted)"
