# kernels: stable
# Nobody reads the output, or there is no room for it: an error, but the work is
# done.

config <<< "sshd -17"
start sshd

# undo_changes: give the processes their first values again.
undo_changes() {
	echo 0 > "/proc/$pid/oom_score_adj"
}

oom_adjust -c "$conf" > /dev/full 2> err
is "full disk: status" "$?" 2
like "full disk: message" "$(cat err)" "^oom_adjust: .*No space left on device"
is "full disk: the value is written" "$(adj "$pid")" -1000
oom_adjust -c "$conf" > /dev/full 2> err
is "full disk, nothing written: status" "$?" 1
oom_adjust -n -c "$conf" > /dev/full 2> err
is "full disk, dry run: status" "$?" 1

mkdir small
mount -t tmpfs -o size=4k tmpfs small
undo_changes
oom_adjust -v -c "$conf" > small/out
is "room enough: status" "$?" 0
yes > small/fill 2>/dev/null
undo_changes
oom_adjust -v -c "$conf" > small/more 2> err
is "full file system: status" "$?" 2
umount small

undo_changes
(
	sleep 0.5
	oom_adjust -c "$conf" 2> err
	echo $? > status
) | :
is "closed pipe: status" "$(cat status)" 2
like "closed pipe: message" "$(cat err)" "^oom_adjust: .*Broken pipe"
is "closed pipe: the value is written" "$(adj "$pid")" -1000

undo_changes
oom_adjust -c "$conf" >&- 2> err
is "closed standard output: the value is written" "$(adj "$pid")" -1000
oom_adjust -c "$conf" <&- >&- 2>&-
is "all closed: status" "$?" 0
