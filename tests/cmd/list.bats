#!/usr/bin/env bats
# -l: what the kernel would kill next, and whether the rules took.

# shellcheck disable=SC2154 # set by common.bash and actor

bats_require_minimum_version 1.5.0
load common

# The fields of the row of process $1, as JSON.
row() {
	jq -e ".processes[] | select(.pid == $1)" out
}

field_is() {
	local v
	v=$(row "$1" | jq -r ".$2")
	[[ $v == "$3" ]] || complain "process $1: $2 is $v, not $3"
}

@test "a row for each process that a rule decides, in any state" {
	actor same -o 176 "$MARK-same"
	actor differs "$MARK-differs"
	config <<-EOF
		$MARK-same 3
		process "$MARK" { name = "$MARK-differs" oom_score_adj = 300 }
	EOF
	adjust -lJ -c c.conf
	status_is 0
	err_is ""
	field_is "$same" adj 176
	field_is "$same" want 176
	field_is "$same" rule c.conf:1
	field_is "$same" user root
	field_is "$same" score "$(cat "/proc/$same/oom_score")"
	field_is "$same" command "$(cat "/proc/$same/comm")"
	field_is "$differs" adj 0
	field_is "$differs" want 300
	field_is "$differs" rule c.conf:2
	rss=$(awk '/^VmRSS/ { print $2 * 1024 }' "/proc/$same/status")
	shown=$(row "$same" | jq .rss)
	((shown > rss / 2 && shown < rss * 2))
	# Nothing was changed by looking.
	value_is "$differs" 0
}

@test "what differs stands out: a mark, and on a terminal red" {
	actor same -o 176 "$MARK-same"
	actor differs "$MARK-differs"
	printf '%s 3\n' "$MARK-same" "$MARK-differs" >c.conf
	adjust -l -c c.conf "$MARK-same" "$MARK-differs"
	status_is 0
	[[ $(grep -c . out) -eq 3 ]]
	grep -qE "^ *$differs .* 0 +176 ! c.conf:2 " out
	grep -qE "^ *$same .* 176 +176 +c.conf:1 " out
	[[ $out != *$'\e'* ]]

	adjust -l --color=always -c c.conf "$MARK-same" "$MARK-differs"
	grep -q $'\e\[31m'".*$differs" out
	run ! grep -q $'\e\[31m'".* $same " out
	NO_COLOR=1 adjust -l --color=always -c c.conf "$MARK-differs"
	[[ $out == *$'\e'* ]]
	adjust -l --color=never -c c.conf "$MARK-differs"
	[[ $out != *$'\e'* ]]
	adjust -l --color=green -c c.conf
	status_is 1
	err_has green

	script -qec "'$OOM_ADJUST' -l -c c.conf $MARK-differs" typed >/dev/null
	grep -q $'\e\[31m' typed
	NO_COLOR=1 script -qec "'$OOM_ADJUST' -l -c c.conf $MARK-differs" \
		typed >/dev/null
	run ! grep -q $'\e\[31m' typed
}

@test "the kernel's order: the highest score first" {
	for adj in 100 500 300; do
		actor pid -o "$adj" "$MARK-$adj"
		printf '%s 0\n' "$MARK-$adj" >>c.conf
		eval "p$adj=$pid"
	done
	adjust -lJ -c c.conf "$MARK-100" "$MARK-300" "$MARK-500"
	[[ $(jq -c '[.processes[].pid]' out) == "[$p500,$p300,$p100]" ]]
	# Of the whole machine too, and no more than ten that have no rule.
	adjust -lJ -c c.conf
	jq -e '[.processes[].score] == ([.processes[].score] | sort | reverse)' \
		out
	jq -e '[.processes[] | select(.rule == null)] | length <= 10' out
	jq -e '[.processes[].pid] | length == (unique | length)' out
}

@test "the rest is summed up" {
	config <<<"$MARK 5"
	adjust -l -c c.conf
	status_is 0
	[[ $(tail -n 1 out) =~ ^[0-9]+\ other\ process(es)?,\ [0-9.]+[BKMG]$ ]]
	adjust -l -c c.conf "$MARK"
	out_lacks other
}

@test "passed over is shown, and is not wanted" {
	need_root
	actor user -u 54321 "$MARK"
	config <<<"$MARK -17"
	adjust -lJ -c c.conf "$MARK"
	field_is "$user" user 54321
	field_is "$user" want null
	field_is "$user" rule c.conf:1
	field_is "$user" passed_over user
	adjust -l -c c.conf "$MARK"
	out_has "c.conf:1, passed over: user"
	out_lacks '!'
}

@test "as an ordinary user" {
	need_root
	open_directory
	actor pid -u 65534 -o 58 "$MARK"
	echo "$MARK 1" >c.conf
	adjust_by "${NOBODY[@]}" -- -l -c c.conf "$MARK"
	status_is 0
	err_is ""
	grep -qE "^ *$pid nobody .* 58 +58 +c.conf:1 " out
}

@test "any name makes valid JSON and one line of the table" {
	local name names=($'a\nb' $'\xff\xfe' 'q"uo\te' $'\e[31m' $'\xc3\xa9' 'a)b'
		$'\x7f' '\u0000')
	for name in "${names[@]}"; do
		actor pid -c "$name" "$MARK"
	done
	config <<<"$MARK 5"
	adjust -lJ -c c.conf "$MARK"
	status_is 0
	jq -e ".processes | length == ${#names[@]}" out
	# What jq reads is ASCII without control characters in this locale.
	jq -r '.processes[].command' out >commands
	LC_ALL=C run ! grep '[^ -~]' commands
	jq -r '.processes[].command' out | grep -F 'a\nb'
	jq -r '.processes[].command' out | grep -F 'q"uo\\te'
	adjust -l -c c.conf "$MARK"
	[[ $(grep -c . out) -eq $((${#names[@]} + 1)) ]]
	LC_ALL=C run ! grep '[^ -~]' out
	LC_ALL=C.UTF-8 adjust -l -c c.conf "$MARK"
	grep -F $'\xc3\xa9' out
	LC_ALL=C.UTF-8 adjust -lJ -c c.conf "$MARK"
	jq -e ".processes | length == ${#names[@]}" out
	jq -r '.processes[].command' out | grep -F $'\xc3\xa9'
	jq -r '.processes[].command' out | grep -F '\377\376'
}

@test "piped, nothing is cut off" {
	local dir
	dir=$(printf 'd%.0s' {1..150})
	mkdir "$dir"
	actor pid "$MARK"
	echo "$MARK 5" >"$dir/c.conf"
	adjust -l -c "$dir/c.conf" "$MARK"
	out_has "$dir/c.conf:1"
}
