# machine: system
# seconds: 240
# memory: 512
# services: ssh
# A real sshd and a user who is logged in: the daemon is protected, and nothing
# of the session is, also not after the nightly run.

ssh-keygen -q -t ed25519 -N '' -f "$scratch/key"
install -d -o alice -g alice -m 700 /home/alice/.ssh
install -o alice -g alice -m 600 "$scratch/key.pub" /home/alice/.ssh/authorized_keys
daemon=$(main_pid ssh)

# login: start a session with a program that goes on running.
login() {
	ssh -tt -i "$scratch/key" -o StrictHostKeyChecking=no \
	    -o UserKnownHostsFile=/dev/null alice@localhost \
	    "exec -a $1 sleep 1000" < /dev/zero > /dev/null 2> ssh.log &
	disown
	check "$1: alice is logged in" within 30 logged_in "$1" ||
	    cat ssh.log
}

logged_in() {
	pgrep -u alice -f "$1" > /dev/null
}

# session: alice's processes with their values.
session() {
	local pid
	for pid in $(pgrep -u alice); do
		echo "$(cat "/proc/$pid/oom_score_adj") $(tr '\0' ' ' < "/proc/$pid/cmdline")"
	done
}

config <<< "sshd -17"
echo 0 > "/proc/$daemon/oom_score_adj"
login before
adjust -v
is "status" "$status" 0
is "the daemon is protected" "$(adj "$daemon")" -1000
like "sshd of the session is passed over" "$out" \
    "\(sshd\): passed over: user alice \(1000\)$"
session
unlike "nothing in the session is" "$(session)" "^-"

login after
session
unlike "nothing in a later session is" "$(session)" "^-"
adjust
is "a nightly run: status" "$status" 0
like "a nightly run: nothing to change" "$out" "processes: 0 changed"
unlike "nothing in the sessions is after it" "$(session)" "^-"
is "the daemon still is" "$(adj "$daemon")" -1000
