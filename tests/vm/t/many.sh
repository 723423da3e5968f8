# memory: 3072
# seconds: 180
# kernels: newest
# 20,000 processes.

echo 65536 > /proc/sys/kernel/pid_max
echo 65536 > /proc/sys/kernel/threads-max
start herd idle -f 20000

# tasks: how many there are.
tasks() {
	sed 's|.*/\([0-9]*\) .*|\1|' /proc/loadavg
}

there() {
	[ "$(tasks)" -gt 20000 ]
}
check "20,000 processes are there" within 120 there
start sshd
sshd=$pid
start snmpd
snmpd=$pid
config <<'END'
sshd -17
snmpd 10
END

prlimit --nofile=24 pester 1 oom_adjust -c "$conf" > out 2> err
cat out
like "status" "$(cat out)" "^status 0: 1$"
is "no message" "$(cat err)" ""
like "summary" "$(cat out)" "^2 processes: 2 changed"
is "sshd" "$(adj "$sshd")" -1000
is "snmpd" "$(adj "$snmpd")" 588
check "at most 4 MB of memory" [ "$(awk '/most/ { print $3 }' out)" -le 4096 ]

config <<'END'
herd 5
END
adjust
like "all of them changed" "$out" "^20001 processes: 20001 changed, 0 already set, 0 failed"
adjust
like "a second run changes none" "$out" "^20001 processes: 0 changed, 20001 already set"
