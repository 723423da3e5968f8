# seconds: 180
# kernels: stable
# Two processes share their memory, as after vfork(2) without exec, so the
# kernel gives both of them each value that is written. Two rules with different
# values cannot both be obeyed: that is reported, and each process is counted
# once.

start "" idle -c first -s second
first=$pid
find_second() {
	second=$(grep -lx second /proc/[0-9]*/comm) && second=${second//[!0-9]/}
}
check "there are two" within 10 find_second
started+=("$second")
echo 7 > "/proc/$first/oom_score_adj"
is "of one value" "$(adj "$second")" 7

config <<'END'
process first { oom_score_adj = 7 }
process second { oom_score_adj = 300 }
END
adjust -v
is "status" "$status" 2
like "they are named" "$err" "\(($first|$second)\)"
# The first one was in order when it was looked at, and was changed later.
like "each is counted once" "$out" "^2 processes: "
is "each is listed once" \
    "$(grep -Ec "^ +$first \(" <<< "$out") $(grep -Ec "^ +$second \(" <<< "$out")" \
    "1 1"

config <<'END'
process first { oom_score_adj = 7 }
process second { oom_score_adj = 7 }
END
adjust
is "one value for both: status" "$status" 0
is "one value for both: no message" "$err" ""
is "one value for both" "$(adj "$first") $(adj "$second")" "7 7"
