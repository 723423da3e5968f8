# machine: system
# seconds: 480
# memory: 512
# services: ssh User DynamicUser
# reset_inherited takes back what a login session has inherited, and that alone:
# sessions are those that the real PAM has marked.

ssh-keygen -q -t ed25519 -N '' -f "$scratch/key"
install -d -o alice -g alice -m 700 /home/alice/.ssh
install -o alice -g alice -m 600 "$scratch/key.pub" /home/alice/.ssh/authorized_keys
install -d -m 700 /root/.ssh
install -m 600 "$scratch/key.pub" /root/.ssh/authorized_keys

# login USER NAME [COMMAND]: a session that runs the command and then a program
# of that name, whose PID is left in the variable NAME.
login() {
	ssh -n -i "$scratch/key" -o StrictHostKeyChecking=no \
	    -o UserKnownHostsFile=/dev/null "$1@localhost" \
	    "${3:-:}; exec -a $2 sleep 1000" > "$scratch/log" 2>&1 &
	disown
	check "$2: is logged in" within 60 is_running "$2" ||
	    cat "$scratch/log"
	declare -g "$2=$pid"
}

is_running() {
	pid=$(pgrep -x -f "$1 1000")
}

login alice stays
login alice moves "echo -999 > /proc/self/oom_score_adj"
login root roots
app=$(main_pid User)
dynamic=$(main_pid DynamicUser)
is "all have inherited, or were given, their value" \
    "$(adj "$stays") $(adj "$moves") $(adj "$roots") $(adj "$app") $(adj "$dynamic")" \
    "-1000 -999 -1000 -1000 -1000"
is "PAM has marked the sessions, not the services" \
    "$(cat "/proc/$stays/loginuid" "/proc/$roots/loginuid" "/proc/$app/loginuid" |
	tr '\0' ' ')" "100004294967295"

config <<'END'
sshd -17
reset_inherited = true
END
adjust -v
is "status" "$status" 0
is "a session at -1000" "$(adj "$stays")" 0
is "a session that has moved to -999" "$(adj "$moves")" 0
like "is reported with the value it had" "$out" "^ +$moves \(.*\): -999 -> 0$"
is "root's session keeps its value" "$(adj "$roots")" -1000
is "a service that runs as a login user does" "$(adj "$app")" -1000
is "a service with a dynamic user does" "$(adj "$dynamic")" -1000
is "the daemon does" "$(adj "$(main_pid ssh)")" -1000
unlike "PAM is in order: no word of it" "$out$err" "loginuid"
adjust
like "a second run changes nothing" "$out" ": 0 changed, "
