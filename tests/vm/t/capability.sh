# seconds: 180
# Without CAP_SYS_RESOURCE nothing can be lowered below where it began. What can
# be done is done, and the rest is reported.
config <<'END'
sshd -17
named -8
apache2 0
snmpd 10
END
start sshd
sshd=$pid
start named
named=$pid
start apache2
apache2=$pid
start snmpd
snmpd=$pid

as=(setpriv --inh-caps=-sys_resource --bounding-set=-sys_resource)
# What was raised without it can be lowered without it.
"${as[@]}" bash -c "echo 200 > /proc/$apache2/oom_score_adj"

why="Permission denied (lowering needs CAP_SYS_RESOURCE)"
adjust
is "status" "$status" 2
is "each refused process is named with its reason" "$err" \
    "oom_adjust: sshd ($sshd): cannot set oom_score_adj to -1000: $why
oom_adjust: named ($named): cannot set oom_score_adj to -470: $why"
like "summary" "$out" \
    "^4 processes: 2 changed, 0 already set, 2 failed, 0 passed over$"
is "sshd is as it was" "$(adj "$sshd")" 0
is "named is as it was" "$(adj "$named")" 0
is "apache2 is lowered to 0" "$(adj "$apache2")" 0
is "snmpd is raised" "$(adj "$snmpd")" 588

adjust -q
is "quiet: status" "$status" 2
is "quiet: no output" "$out" ""
like "quiet: errors all the same" "$err" "^oom_adjust: sshd \($sshd\): "

as=()
adjust
is "with it: status" "$status" 0
is "with it: sshd" "$(adj "$sshd")" -1000
is "with it: named" "$(adj "$named")" -470

# An ordinary user, who can raise the values of his own processes.
config <<'END'
worker 10
snmpd 0
END
chmod 755 "$scratch"
as=(setpriv --reuid=1000 --regid=1000 --clear-groups)
start worker "${as[@]}" bash -c "exec -a worker idle"
mine=$pid
start worker
roots=$pid
adjust
is "a user: status" "$status" 2
is "a user: his own" "$(adj "$mine")" 588
is "a user: not root's" "$(adj "$roots")" 0
like "a user: says so" "$err" "^oom_adjust: worker \($roots\): cannot set oom_score_adj to 588: Permission denied"

# Without CAP_SYS_PTRACE it can't be seen which program a process runs.
cp "$(command -v idle)" /usr-idle
start usr-idle /usr-idle
here=$pid
start usr-idle /usr-idle
config <<'END'
/usr-idle 10
worker 5
END
as=(setpriv --inh-caps=-sys_ptrace --bounding-set=-sys_ptrace)
adjust
is "a path rule without CAP_SYS_PTRACE: status" "$status" 2
is "a path rule without CAP_SYS_PTRACE: said once" \
    "$(grep -c CAP_SYS_PTRACE <<< "$err")" 1
is "a path rule without CAP_SYS_PTRACE: not applied" "$(adj "$here")" 0
is "a path rule without CAP_SYS_PTRACE: the others are" "$(adj "$roots")" 294
config <<< "worker 6"
adjust
is "no path rule: CAP_SYS_PTRACE isn't needed" "$status$err" 0
as=()
config <<< "/usr-idle 10"
adjust
is "a path rule with it: status" "$status" 0
is "a path rule with it" "$(adj "$here")" 588
