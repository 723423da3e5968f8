# kernels: stable
# seconds: 240
# A value that makes a process harder to kill is a favour: a negative one, and
# one that is lower than the process has. It is given neither to login users'
# processes, whatever the user's number, nor in containers.

# has_ids PID REAL,EFFECTIVE,SAVED
has_ids() {
	grep -q "^Uid:.${2//,/.}.[0-9]*$" "/proc/$1/status"
}

# as_users REAL,EFFECTIVE,SAVED NAME: start a process with these user ids.
as_users() {
	start "$2" idle -u "$1"
	within 10 has_ids "$pid" "$1"
}

# contain NAME: start a process in a container, with its own /proc.
contain() {
	unshare --pid --fork --kill-child --mount-proc \
	    bash -c "exec -a $1 idle" > /dev/null 2>&1 &
	started+=("$!")
	disown
	within 10 find_child "$!" "$1"
	started+=("$pid")
}

# find_child PARENT NAME: leave its child of that name in $pid.
find_child() {
	read -r pid < "/proc/$1/task/$1/children" && named "$pid" "$2"
} 2> /dev/null

# Which user ids are login users'.
services=(999 61184 65519 65534)
users=(1000 60001 65520 100000)
declare -A of
for uid in "${services[@]}" "${users[@]}"; do
	as_users "$uid,$uid,$uid" daemon
	of[$uid]=$pid
done
config <<< "daemon -8"
adjust -v
is "status" "$status" 0
for uid in "${services[@]}"; do
	is "user $uid is a service's" "$(adj "${of[$uid]}")" -470
done
for uid in "${users[@]}"; do
	is "user $uid is a login user" "$(adj "${of[$uid]}")" 0
	like "user $uid: reason" "$out" \
	    "^ +${of[$uid]} \(.*\): passed over: user .*$uid"
done
stop_all

# A value that root has raised is a penalty, which a name does not take back.
contain nginx
container=$pid
echo 1000 > "/proc/$container/oom_score_adj"
as_users 1000,1000,1000 nginx
user=$pid
echo 500 > "/proc/$user/oom_score_adj"
start nginx
root=$pid

# lower VALUE WANTED...: run with that value for nginx; afterwards the three
# processes have the values WANTED.
lower() {
	local value=$1
	shift
	echo 500 > "/proc/$root/oom_score_adj"
	config <<< "nginx $value"
	adjust -v
	is "nginx $value: status" "$status" 0
	is "nginx $value: the container's, the user's and root's" \
	    "$(adj "$container") $(adj "$user") $(adj "$root")" "$*"
}

lower 0 1000 500 0
like "the container's: reason" "$out" \
    "^ +$container \(.*\): passed over: container"
like "the user's: reason" "$out" "^ +$user \(.*\): passed over: user alice"
lower 5 1000 500 294
lower 15 1000 1000 1000
echo 500 > "/proc/$user/oom_score_adj"
config <<'END'
process nginx {
	user = {alice}
	oom_adj = 0
}
END
adjust
is "user = alice: the container's, the user's and root's" \
    "$(adj "$container") $(adj "$user") $(adj "$root")" "1000 0 1000"
config <<'END'
process nginx {
	containers = true
	oom_adj = 0
}
END
adjust
is "containers = true: the container's" "$(adj "$container")" 0
stop_all

# user = {...}: each of the three user ids that is a login user's has to be in
# the list, and it is no way into a container.
declare -A ids=([real]="1000,0,0" [effective]="0,1000,0" [saved]="0,0,1000"
	[all]="1000,1000,1000" [none]="0,0,0")
for how in "${!ids[@]}"; do
	as_users "${ids[$how]}" daemon
	of[$how]=$pid
done
contain daemon
of[container]=$pid

# allow SETTINGS WHO...: a rule with these settings protects these, no others.
allow() {
	local how got=() settings=$1
	shift
	for how in "${!ids[@]}" container; do
		echo 0 > "/proc/${of[$how]}/oom_score_adj"
	done
	config <<< "process daemon { $settings oom_adj = -17 }"
	adjust
	is "$settings: status" "$status" 0
	for how in all container effective none real saved; do
		has "${of[$how]}" 0 || got+=("$how")
	done
	is "$settings" "${got[*]}" "$*"
}

allow "" none
allow "user = {root}" none
allow "user = {alice}" all effective
allow "user = {root, alice}" all effective none real saved
allow "containers = true" container none
allow "user = {root} containers = true" container none
