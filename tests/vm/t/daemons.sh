# machine: system
# seconds: 600
# memory: 2048
# cpus: 2
# services: apache2 named chrony cron fail2ban mariadb memcached nginx ssh postfix postgresql redis-server rsyslog saslauthd snmpd pure-ftpd
# Real daemons, as their Debian packages start them, and the shipped config:
# each rule reaches those that pidof -x finds.

systemctl --no-legend --failed
conf=/etc/oom_adjust.conf

# rules: the names of the config's short rules, with their values.
rules() {
	awk '$1 ~ /^[a-zA-Z]/ && NF == 2 && $2 ~ /^-?[0-9]+$/ { print $1, $2 }' "$conf"
}

# reached NAME: print the PIDs that the last run reported for that rule.
reached() {
	awk -v name="$1" '
	/^  [^ ]/ { here = ($1 == "Setting" && $2 == name) }
	here && /^    / && !/passed over/ { print $1 }' <<< "$out" | sort -n
}

# found NAME VALUE: print what pidof finds, without login users' processes if
# the value is a favour.
found() {
	local p
	for p in $(pidof -x "$1"); do
		if [ "$2" -ge 0 ] || ! awk '/^Uid:/ && ($2 >= 1000 || $3 >= 1000 || $4 >= 1000) { bad = 1 }
		    END { exit !bad }' "/proc/$p/status"; then
			echo "$p"
		fi
	done | sort -n
}

# These may not be there yet when systemd calls their service started.
for name in qmgr saslauthd fail2ban-server; do
	within 60 pidof -x "$name" > /dev/null
done
postgres=$(head -n 1 /var/lib/postgresql/*/main/postmaster.pid)
before=$(adj "$postgres")
oom_adjust > /dev/null
adjust -v
is "status" "$status" 0
is "no message" "$err" ""
while read -r name value; do
	pids=$(found "$name" "$value")
	[ -n "$pids" ] || continue
	is "$name: those that pidof finds" "$(reached "$name")" "$pids"
	echo "$value" > "/proc/$$/oom_adj"
	wanted=$(adj $$)
	echo 0 > "/proc/$$/oom_score_adj"
	is "$name: their values" \
	    "$(for p in $pids; do adj "$p"; done | sort -u)" "$wanted"
done < <(rules)
for name in sshd named rsyslogd mariadbd apache2 nginx cron memcached \
    redis-server snmpd fail2ban-server chronyd qmgr pickup saslauthd pure-ftpd; do
	check "$name is reached" [ -n "$(reached "$name")" ]
done
is "postgres keeps what its unit gave" "$(adj "$postgres")" "$before"

# A daemon is protected together with its workers if all have the same value,
# even if its own value is changed before the walk comes to them. What it has
# put back itself is left alone: postgres does that, by PG_OOM_ADJUST_FILE.
systemctl restart nginx apache2 postgresql@15-main
workers=$(pgrep -P "$(main_pid nginx)"; pgrep -P "$(main_pid apache2)")
postgres=$(head -n 1 /var/lib/postgresql/*/main/postmaster.pid)
children=$(pgrep -P "$postgres")
conf=$scratch/oom_adjust.conf
config <<'END'
nginx -8
apache2 -8
postgres -17
END

# values PID...: print the values that they have.
values() {
	local p
	for p; do
		adj "$p"
	done | sort -u
}

# shellcheck disable=SC2086
{
	check "nginx and apache2 have workers" [ "$(wc -w <<< "$workers")" -ge 4 ]
	is "all of them have the same value before" \
	    "$(values "$(main_pid nginx)" "$(main_pid apache2)" $workers)" 0
	is "postgres has put its children back" "$(values $children)" 0
	is "but not itself" "$(values "$postgres")" -900
	adjust -v
	is "daemons with workers: status" "$status" 0
	is "nginx and apache2 are protected whole" \
	    "$(values "$(main_pid nginx)" "$(main_pid apache2)" $workers)" -470
	is "postgres is protected" "$(values "$postgres")" -1000
	is "its children are left as they are" "$(values $children)" 0
	is "its children: the reason" "$(grep -E \
	    ": passed over: put back by its parent $postgres$" <<< "$out" |
	    awk '{ print $1 }')" "$children"
	adjust
	is "a second run: status" "$status" 0
	like "a second run changes nothing" "$out" " 0 changed, "
}
