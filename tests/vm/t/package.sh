# machine: system
# seconds: 600
# memory: 512
# services: cron postfix rsyslog ssh
# boots: 2
# installed: package
# The Debian package on a machine that runs, with Debian's cron; what the
# machine has after a reboot; and what is left when the package is removed.

# cron_ran: since the log was emptied.
cron_ran() {
	grep -q 'CMD .*oom_adjust -q' /var/log/syslog
}

night() {
	: > /var/log/syslog
	tomorrow 03:29:50 > /dev/null
}

quietly() {
	"$@" > "$scratch/log" || { cat "$scratch/log"; return 1; }
}

rsyslogd() {
	adj "$(main_pid rsyslog)"
}

if [ ! -e /booted ]; then
	is "before: sshd protects itself" "$(adj "$(main_pid ssh)")" -1000
	is "before: rsyslogd" "$(rsyslogd)" 0
	check "dpkg installs it" quietly dpkg -i /vm/oom-adjust.deb
	# A value that sshd does not give itself.
	sed -i 's/^sshd -17$/sshd -16/' /etc/oom_adjust.conf
	night
	check "at 03:30: sshd has its value" \
	    within 200 has "$(main_pid ssh)" -941
	check "at 03:30: rsyslogd has its value" \
	    within 200 has "$(main_pid rsyslog)" -235
	check "at 03:30: it was cron" within 100 cron_ran
	touch /booted
	systemctl reboot
	sleep 1000 # ended by the reboot
fi

check "after a reboot: sshd has its value" within 200 has "$(main_pid ssh)" -941
check "after a reboot: rsyslogd has its value" \
    within 200 has "$(main_pid rsyslog)" -235

# The drop-in of the manual.
mkdir /etc/systemd/system/rsyslog.service.d
zcat /usr/share/man/man8/oom_adjust.8.gz |
    sed -n '/^\[Service\]/,/^\.Ed/ { /^\.Ed/d; s/mariadbd/rsyslogd/; p }' \
    > /etc/systemd/system/rsyslog.service.d/oom_adjust.conf
systemctl daemon-reload
systemctl restart rsyslog
is "a unit that runs it: rsyslogd has its value at once" "$(rsyslogd)" -235

check "dpkg removes it" quietly dpkg -r oom-adjust
check "removed: the unit that ran it starts" systemctl restart rsyslog
is "removed: rsyslogd" "$(rsyslogd)" 0
night
check "removed: cron still has its line" within 200 cron_ran
is "removed: the line does nothing" "$(rsyslogd)" 0
check "dpkg purges it" quietly dpkg -P oom-adjust
is "purged: nothing is left in /etc" \
    "$(find /etc -name '*oom?adjust*' ! -path '*/rsyslog.service.d/*')" ""
systemctl stop cron
check "no mail for all of this" [ ! -s /var/mail/root ]
