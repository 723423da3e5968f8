# The unchanged config of the shell script that oom_adjust replaces: the values
# are the same as those the script gets by writing to oom_adj.
config <<'END'
# Adjust process oom_adj values so they are more or less likely to be killed in
# an oom event procname oom_adj

# Keep sshd ALIVE
sshd -17

# DNS is very important to me too
named -8

# I'd prefer that MySQL stays alive, but it's not required
mysqld -1

# Apache2 is a memory hog, but I'll give it a fighting chance
# I'm giving it 0 since the workers will respawn at 0 anyway
apache2 0

# Sphinx search is cool, but I can live without it if an oom occurs
searchd 3

# Memcache is in the same boat as Sphinx search
memcached 3

# I only use mongodb for testing on this server
mongod 5

# It would be nice if smtpd stayed up, so I still get alerts
smtpd 5

# These services can be killed first
pure-ftpd 10
pure-ftpd-mysql 10
snmpd 10
fail2ban-server 10
ntpd 10
authdaemond 10
saslauthd 10
qmgr 10
pickup 10
END

rules=$(grep -v -e '^#' -e '^$' "$conf")
pids=() names=() values=()
while read -r name value; do
	# Some with two processes, some by their path.
	start "$name"
	pids+=("$pid") names+=("$name") values+=("$value")
	start "/usr/sbin/$name"
	pids+=("$pid") names+=("$name") values+=("$value")
done <<< "$rules"
start sshd-keygen
near=$pid
start other idle -csshd
comm=$pid
start sshd idle
argv0=$pid
start /usr/sbin/named/other
far=$pid

adjust
is "status" "$status" 0
is "nothing on standard error" "$err" ""
like "summary" "$out" "^35 processes: 33 changed, 2 already set, 0 failed, 0 passed over$"
is "the script's lines come first, in the order of the file" \
    "$(head -n 18 <<< "$out")" \
    "oom_adjust is setting oom_killer priorities
$(awk '{ print "  Setting " $1 " to " $2 }' <<< "$rules")"

start plain
for i in "${!pids[@]}"; do
	echo "${values[i]}" > "/proc/$pid/oom_adj"
	echo "${names[i]} $(adj "$pid")"
done > wanted
for i in "${!pids[@]}"; do
	echo "${names[i]} $(adj "${pids[i]}")"
done > got
is "values" "$(cat got)" "$(cat wanted)"
is "sshd-keygen is not sshd" "$(adj "$near")" 0
is "/usr/sbin/named/other is not named" "$(adj "$far")" 0
is "another program that calls itself sshd is not sshd" "$(adj "$comm")" 0
is "sshd is, whatever it calls itself" "$(adj "$argv0")" -1000
