# Inherited immunity: a daemon that hands its own value on to what it starts for
# users, as most do. With reset_inherited what login users run loses it again;
# all else stays.

alice="setpriv --reuid=1000 --regid=1000 --clear-groups"
fifo=$scratch/fifo
mkfifo "$fifo"

# The daemon starts in the background what it is told.
start daemon bash -c "while read -r command <>'$fifo'; do
	eval \"\$command &\"
done"
daemon=$pid

# told NAME COMMAND: let it start COMMAND, in which NAME is an argv[0], and put
# the PID of that process in the variable NAME.
told() {
	echo "$2" > "$fifo"
	within 10 find_named "$1"
	declare -g "$1=$pid"
	started+=("$pid")
}

find_named() {
	local cmdline
	for cmdline in /proc/[0-9]*/cmdline; do
		pid=${cmdline//[!0-9]/}
		! named "$pid" "$1" || return 0
	done
	return 1
}

config << END
daemon -17
ruled 5
own -9
END
adjust
is "the daemon is protected" "$(adj "$daemon")" -1000

# The child's child has it from the child.
told child "exec $alice bash -c 'exec -a grandchild idle & exec -a child bash -c \"while sleep 99; do :; done\"'"
within 10 find_named grandchild
grandchild=$pid
told roots "exec -a roots idle"
told system "exec -a system idle -u 100,100,100"
told halfuser "exec -a halfuser idle -u 1000,0,0"
told contained "unshare --pid --fork $alice bash -c 'exec -a contained idle'"
told ruled "exec $alice bash -c 'exec -a ruled idle'"
told other "exec -a other bash -c 'echo -500 > /proc/\$\$/oom_score_adj; exec $alice bash -c \"exec -a other idle\"'"
told positive "exec -a positive bash -c 'echo 300 > /proc/\$\$/oom_score_adj; exec $alice bash -c \"exec -a positive idle\"'"

# A user's program that bears the daemon's name is no more proof.
echo "exec $alice bash -c 'exec -a x/daemon idle'" > "$fifo"
within 10 find_named x/daemon
impostor=$pid
started+=("$impostor")

is "what it starts for alice is, too" "$(adj "$child") $(adj "$grandchild")" \
    "-1000 -1000"

cat >> "$conf" << END
reset_inherited = true
END
adjust -n
is "dry run: status" "$status" 0
like "dry run: heading" "$out" "^  Resetting inherited values to 0$"
like "dry run: the child" "$out" "^ +$child \(.*\): -1000 -> 0$"
is "dry run: nothing is written" "$(adj "$child")" -1000
adjust -l
like "-l shows what is wanted" "$out" \
    "^ *$child +alice .* -1000 +0 ! +reset_inherited"
adjust -v daemon
is "with a name nothing is reset" "$(adj "$child")" -1000

adjust -v
is "status" "$status" 0
like "the child is reset" "$out" "^ +$child \(.*\): -1000 -> 0$"
is "the child" "$(adj "$child")" 0
is "the child's child" "$(adj "$grandchild")" 0
is "one that bears the daemon's name" "$(adj "$impostor")" 0
is "the daemon is not" "$(adj "$daemon")" -1000
is "nor what it starts for root" "$(adj "$roots")" -1000
is "nor for a system user" "$(adj "$system")" -1000
is "nor what is a login user's in part" "$(adj "$halfuser")" -1000
is "nor a container" "$(adj "$contained")" -1000
is "what a rule decides has its value" "$(adj "$ruled")" 294
is "a negative value of no rule stays" "$(adj "$other")" -500
is "a positive value stays" "$(adj "$positive")" 300
adjust -v
like "a second run changes nothing" "$out" ": 0 changed, "
unlike "and resets nothing" "$out" "Resetting"
