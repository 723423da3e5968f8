# seconds: 180
# Inherited protection: a daemon passes its own value on to what it starts for
# users, as most do. With reset_inherited the processes of a login session lose
# it again; all others keep it.

# The daemon starts the commands that it reads, in the background.
fifo=$scratch/fifo
mkfifo "$fifo"
start daemon bash -c "while read -r command <>'$fifo'; do
	eval \"{ \$command; } &\"
done"
daemon=$pid

# start_from_daemon NAME COMMAND: make the daemon start COMMAND, in which NAME
# is an argv[0], and put the PID of that process in the variable NAME.
start_from_daemon() {
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

alice="exec setpriv --reuid=1000 --regid=1000 --clear-groups"
# What pam_loginuid(8) does.
login="echo 1000 > /proc/self/loginuid"

config << END
daemon -17
ruled 5
own -9
reset_inherited = true
END
start_from_daemon service "$alice bash -c 'exec -a service idle'"
echo -1000 > "/proc/$service/oom_score_adj"

# Nobody has logged in through PAM here, so no session is known.
adjust -v
is "no loginuid set: status" "$status" 0
is "no loginuid set: the daemon is protected" "$(adj "$daemon")" -1000
is "no loginuid set: nothing is reset" "$(adj "$service")" -1000
like "no loginuid set: -v says so" "$out$err" "reset_inherited.*loginuid"
adjust -t
is "no loginuid set: -t's status" "$status" 0
like "no loginuid set: -t says so" "$out$err" "reset_inherited.*loginuid"

# The child's child has inherited it from the child.
start_from_daemon child "$login; $alice bash -c 'exec -a grandchild idle & exec -a child bash -c \"while sleep 99; do :; done\"'"
within 10 find_named grandchild
grandchild=$pid
start_from_daemon moved "$login; echo -999 > /proc/self/oom_score_adj; $alice bash -c 'exec -a moved idle'"
start_from_daemon other "$login; echo -500 > /proc/self/oom_score_adj; $alice bash -c 'exec -a other idle'"
start_from_daemon roots "echo 0 > /proc/self/loginuid; exec -a roots idle"
start_from_daemon sudo "$login; exec -a sudo idle"
start_from_daemon system "$login; exec -a system idle -u 100,100,100"
start_from_daemon halfuser "$login; exec -a halfuser idle -u 1000,0,0"
start_from_daemon contained "$login; exec unshare --pid --fork setpriv --reuid=1000 --regid=1000 --clear-groups bash -c 'exec -a contained idle'"
start_from_daemon ruled "$login; $alice bash -c 'exec -a ruled idle'"
start_from_daemon positive "$login; echo 300 > /proc/self/oom_score_adj; $alice bash -c 'exec -a positive idle'"

# A user's program that has the daemon's name is reset, too.
echo "$login; $alice bash -c 'exec -a x/daemon idle'" > "$fifo"
within 10 find_named x/daemon
impostor=$pid
started+=("$impostor")

is "what it starts for alice is, too" "$(adj "$child") $(adj "$grandchild")" \
    "-1000 -1000"

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
is "one that has the daemon's name" "$(adj "$impostor")" 0
is "one that has moved its value" "$(adj "$moved")" 0
is "any negative value" "$(adj "$other")" 0
is "the daemon is not" "$(adj "$daemon")" -1000
is "nor root's session" "$(adj "$roots")" -1000
is "nor what a session runs as root" "$(adj "$sudo")" -1000
is "nor as a system user" "$(adj "$system")" -1000
is "nor what is a login user's in part" "$(adj "$halfuser")" -1000
is "nor a container" "$(adj "$contained")" -1000
is "nor a service of a login user" "$(adj "$service")" -1000
is "what a rule decides has its value" "$(adj "$ruled")" 294
is "a positive value stays" "$(adj "$positive")" 300
unlike "nothing is said of loginuid now" "$out$err" "loginuid"
adjust -v
like "a second run changes nothing" "$out" ": 0 changed, "
unlike "and resets nothing" "$out" "Resetting"

# A kernel without loginuid: the same process, all but that file.
mkdir -p tree/7 tree/9
ln -s 9 tree/self
for file in cmdline comm stat status; do
	cat "/proc/$child/$file" > "tree/7/$file"
done
echo -1000 > tree/7/oom_score_adj
adjust -v --proc tree
is "no loginuid file: status" "$status" 0
is "no loginuid file: nothing is reset" "$(cat tree/7/oom_score_adj)" -1000
like "no loginuid file: -v says so" "$out$err" "reset_inherited.*loginuid"
adjust -t --proc tree
like "no loginuid file: -t says so" "$out$err" "reset_inherited.*loginuid"
printf 1000 > tree/7/loginuid
printf 4294967295 > tree/9/loginuid
adjust -v --proc tree
is "with that file it is" "$(cat tree/7/oom_score_adj)" 0
