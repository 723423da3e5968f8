# A /proc that hides other users' processes, as root and as a user.
config <<'END'
sshd -17
worker 10
END
start sshd
sshd=$pid
start worker
roots=$pid
as_alice=(setpriv --reuid=1000 --regid=1000 --clear-groups)
start worker "${as_alice[@]}" bash -c "exec -a worker idle"
mine=$pid
mount -o remount,hidepid=2 /proc || skip hidepid "no such mount option"
chmod 755 "$scratch"

as=("${as_alice[@]}")
adjust
is "alice: status" "$status" 0
is "alice: no message" "$err" ""
like "alice: her own alone" "$out" "^1 process: 1 changed, 0 already set, 0 failed"
is "alice: her worker" "$(adj "$mine")" 588
is "alice: not root's" "$(adj "$roots")" 0

as=()
adjust
is "root: status" "$status" 0
like "root: all" "$out" "^3 processes: 2 changed, 1 already set, 0 failed"
is "root: sshd" "$(adj "$sshd")" -1000
is "root: worker" "$(adj "$roots")" 588
