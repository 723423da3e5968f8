# machine: system
# seconds: 600
# memory: 512
# services: ssh
# A client that waits at a password prompt while oom_adjust runs gains nothing:
# neither sshd's process for the connection, which is root's and is called sshd,
# nor the session that it becomes, nor a set-user-ID program under sshd's name
# is protected. That holds on the first run after sshd has started, on the next,
# and with any value.

# at_prompt NAME COMMAND...: run the command on a terminal of its own until it
# asks for a password. What is written to descriptor 5 is typed there.
at_prompt() {
	local name=$1 terminal=$scratch/$1
	shift
	mkfifo "$terminal"
	: > "$terminal.log"
	script -qfc "$*" "$terminal.log" < "$terminal" > /dev/null 2>&1 &
	disown
	exec 5> "$terminal"
	check "$name: is asked for a password" \
	    within 60 grep -qi password: "$terminal.log" || cat "$terminal.log"
}

# connections: the processes below sshd's listener, with their values.
connections() {
	local pid child
	for pid in $(pgrep -P "$daemon"); do
		for child in "$pid" $(pgrep -P "$pid"); do
			echo "$(adj "$child") $child" \
			    "$(tr '\0' ' ' < "/proc/$child/cmdline")"
		done
	done
}

# session: alice's processes with their values.
session() {
	local pid
	for pid in $(pgrep -u alice); do
		echo "$(adj "$pid") $(tr '\0' ' ' < "/proc/$pid/cmdline")"
	done
}

logged_in() {
	pgrep -u alice -f "$1" > /dev/null
}

is_silent() {
	connections | grep -q 'sshd: \[accepted\]'
}

# connect NAME: a client at sshd's prompt.
connect() {
	at_prompt "$1" ssh -o StrictHostKeyChecking=no \
	    -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no \
	    alice@localhost "'exec -a $1 sleep 1000'"
}

# round NAME VALUE: sshd is started anew, with a client at the prompt and
# another one that has said nothing yet.
round() {
	local name=$1 value=$2 before
	systemctl restart ssh
	daemon=$(main_pid ssh)
	connect "$name"
	exec 6<> /dev/tcp/localhost/22
	within 30 is_silent
	before=$(connections)
	echo "$before"
	like "$name: sshd waits for alice" "$before" "^0 .*sshd: alice \[priv\]"

	adjust -v
	is "$name: status" "$status" 0
	is "$name: the listener" "$(adj "$daemon")" "$value"
	is "$name: connections are left alone" "$(connections)" "$before"
	priv=$(awk '/alice \[priv\]/ { print $2 }' <<< "$before")
	like "$name: the reason" "$out" \
	    "^ +$priv \(sshd\): passed over: put back by its parent $daemon$"
	adjust -v
	is "$name: second run: status" "$status" 0
	is "$name: second run: the listener" "$(adj "$daemon")" "$value"
	is "$name: second run: connections" "$(connections)" "$before"
	like "$name: second run: changes nothing" "$out" " 0 changed, "

	echo secret >&5
	check "$name: alice logs in" within 60 logged_in "$name" ||
	    cat "$scratch/$name.log"
	session
	unlike "$name: nothing in her session is protected" "$(session)" "^-"
	adjust
	unlike "$name: nor after another run" "$(session)" "^-"
	exec 5>&- 6>&-
	pkill -u alice
}

config <<< "sshd -17"
round seventeen -1000
config <<< "sshd -8"
round eight -470

# The process of a client that waited while sshd was restarted has lost its
# parent.
connect orphan
before=$(connections)
systemctl restart ssh
daemon=$(main_pid ssh)
priv=$(awk '/alice \[priv\]/ { print $2 }' <<< "$before")
check "orphan: still waits" grep -q "^PPid:.1$" "/proc/$priv/status"
config <<< "sshd -17"
adjust
is "orphan: the listener" "$(adj "$daemon")" -1000
is "orphan: left alone" "$(adj "$priv")" 0
exec 5>&-

# su asks for the password as root, with alice's real user id.
is_su() {
	su=$(pgrep -x su)
}

at_prompt su setpriv --reuid=1000 --regid=1000 --clear-groups \
    bash -c "'exec -a sshd su'"
check "su waits" within 10 is_su
like "su is called sshd" "$(tr '\0' ' ' < "/proc/$su/cmdline")" "^sshd $"
like "su is alice's in part" "$(cat "/proc/$su/status")" "^Uid:.1000.0.0"
config <<'END'
process sshd {
	user = {root}
	oom_adj = -17
}
END
adjust -v
is "user = root: status" "$status" 0
is "user = root: the listener" "$(adj "$daemon")" -1000
is "user = root: not su" "$(adj "$su")" 0
like "user = root: the reason" "$out" \
    "^ +$su \(su\): passed over: user alice \(1000\)$"
config <<'END'
process sshd {
	user = {root, alice}
	oom_adj = -17
}
END
adjust
is "user = root, alice: status" "$status" 0
is "user = root, alice: su" "$(adj "$su")" -1000
