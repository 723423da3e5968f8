# machine: system
# seconds: 300
# memory: 512
# services: cron chrony rsyslog postfix
# The installed cron.d file, run by Debian's cron: at boot and at night.

chronyd() {
	main_pid chrony
}
no_run_left() {
	! pgrep -f /usr/local/sbin/oom_adjust > /dev/null
}

check "at boot: rsyslogd" within 100 has "$(main_pid rsyslog)" -235
check "at boot: chronyd" within 100 has "$(chronyd)" 588
check "at boot: the run has ended" within 100 no_run_left

systemctl restart chrony
is "restarted: chronyd has lost its value" "$(adj "$(chronyd)")" 0
out=$(oom_adjust | tail -n 1)
is "restarted: run by hand" "$(adj "$(chronyd)")" 588
like "restarted: its two processes are changed" "$out" ": 2 changed,"

systemctl restart chrony
is "by day: nothing happens" "$(adj "$(chronyd)")" 0
tomorrow 03:29:50
check "at 03:30: chronyd has it again" within 80 has "$(chronyd)" 588
like "at 03:30: it is then" "$(date +%H:%M)" "^03:3[01]$"
within 30 no_run_left
sleep 3
check "no mail for all of this" [ ! -s /var/mail/root ]

# A mistake in the config. cron reads the clock again when it is started.
echo "sshd -99" >> /etc/oom_adjust.conf
tomorrow 03:29:57
systemctl restart cron
check "a night with an error: mail" within 60 test -s /var/mail/root
cat /var/mail/root
like "it names the file and the line" "$(cat /var/mail/root)" \
    "^oom_adjust: /etc/oom_adjust.conf:[0-9]+: "
is "one mail" "$(grep -c '^From ' /var/mail/root)" 1
