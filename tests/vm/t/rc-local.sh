# machine: system
# seconds: 120
# memory: 512
# services: rsyslog
# The installed rc.local.d file, run by /etc/rc.local, run by systemd.

is "rc-local.service" "$(systemctl is-active rc-local)" active
check "rsyslogd" within 10 has "$(main_pid rsyslog)" -235
is "no output" "$(journalctl -q -b -o cat -u rc-local | grep oom_adjust)" ""

# A mistake in the config doesn't fail the boot.
echo "sshd -99" >> /etc/oom_adjust.conf
check "with an error: rc.local succeeds" systemctl restart rc-local
like "with an error: it is in the journal" \
    "$(journalctl -q -b -o cat -u rc-local)" \
    "^oom_adjust: /etc/oom_adjust.conf:[0-9]+: "
