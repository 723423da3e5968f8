#!/usr/bin/env bats
# The Ansible example against localhost. It installs to the real places, so the
# test runs in a mount namespace where other directories cover them.

load common

# `! command` would not fail a test.
refute() {
	if "$@"; then
		return 1
	fi
}

setup_file() {
	# setup skips: bats before 1.9 can't do so here
	command -v ansible-playbook >/dev/null || return 0
	python3=$(sed -n '1s/^#! *//p' "$(command -v ansible-playbook)")
	export ANSIBLE_NOCOLOR=1 ANSIBLE_RETRY_FILES_ENABLED=0
	export ANSIBLE_LOCALHOST_WARNING=false
	export ANSIBLE_HOME="$BATS_FILE_TMPDIR/ansible"
	export ANSIBLE_LOCAL_TEMP="$ANSIBLE_HOME/tmp"
	export ANSIBLE_REMOTE_TEMP="$ANSIBLE_HOME/tmp"
	export ANSIBLE_CONFIG="$BATS_FILE_TMPDIR/ansible.cfg"
	echo "[defaults]" >"$ANSIBLE_CONFIG"
	export PYTHON=${python3:-/usr/bin/python3}
}

setup() {
	need_program ansible-playbook
	need_namespaces
	cd "$BATS_TEST_TMPDIR" || return
	mkdir etc sbin status
	cp -a /etc/. etc/
	rm -f etc/oom_adjust.conf etc/cron.d/oom_adjust
	mkdir -p etc/cron.d
	name="oomansible$$"
	(exec -a "$name" sleep 300) 3>&- &
	pid=$!
	echo "$name 5" >new.conf
	cat >hosts <<-END
		[oom_adjust]
		localhost ansible_connection=local ansible_python_interpreter=$PYTHON
	END
}

teardown() {
	[ -z "${pid:-}" ] || kill "$pid"
}

# The playbook, with etc and sbin of the test in their places. apt is left
# out: it would install on the machine itself.
play() {
	# Ansible refuses a locale without UTF-8.
	LC_ALL=C.UTF-8 unshare -m sh -ec '
		mount --bind etc /etc
		mount --bind sbin /usr/local/sbin
		exec "$@"
	' sh ansible-playbook -i hosts \
	    -e "oom_adjust_binary=$OOM_ADJUST" \
	    -e "oom_adjust_config=$BATS_TEST_TMPDIR/new.conf" \
	    -e "oom_adjust_status=$BATS_TEST_TMPDIR/status" \
	    -e '{"oom_adjust_packages": []}' \
	    "$@" "$TOP/etc/ansible/oom_adjust.yml"
}

@test "ansible: installs, applies, collects; a second run changes nothing" {
	run play
	echo "$output"
	[ "$status" -eq 0 ]
	cmp sbin/oom_adjust "$OOM_ADJUST"
	[ "$(stat -c %a sbin/oom_adjust)" = 755 ]
	cmp etc/oom_adjust.conf new.conf
	[ "$(stat -c %a:%u etc/oom_adjust.conf)" = 644:0 ]
	cmp etc/cron.d/oom_adjust "$TOP/cron.d/oom_adjust"
	[ "$(cat "/proc/$pid/oom_score_adj")" = 294 ]
	[[ $output =~ changed=4\ .*failed=0 ]]
	jq -e --argjson pid "$pid" \
	    '[.. | objects | select(.pid? == $pid)] | length == 1' \
	    status/localhost.json

	run play
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output =~ changed=0\ .*failed=0 ]]

	# The value of one process is wrong: that is the only change.
	echo 0 >"/proc/$pid/oom_score_adj"
	run play
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output =~ changed=1\ .*failed=0 ]]
	[ "$(cat "/proc/$pid/oom_score_adj")" = 294 ]
}

@test "ansible: a config with an error does not replace the good one" {
	run play
	[ "$status" -eq 0 ]
	cp etc/oom_adjust.conf good.conf
	echo "$name 99" >new.conf
	run play
	echo "$output"
	[ "$status" -ne 0 ]
	[[ $output == *"failed to validate"* ]]
	cmp etc/oom_adjust.conf good.conf
	[ "$(cat "/proc/$pid/oom_score_adj")" = 294 ]
}

@test "ansible: a binary that does not run there is not installed" {
	run play
	[ "$status" -eq 0 ]
	printf '\177ELF of another machine' >bad
	run play -e "oom_adjust_binary=$BATS_TEST_TMPDIR/bad"
	echo "$output"
	[ "$status" -ne 0 ]
	cmp sbin/oom_adjust "$OOM_ADJUST"
}

@test "ansible: check mode changes nothing" {
	run play --check
	echo "$output"
	[ "$status" -eq 0 ]
	[ ! -e sbin/oom_adjust ]
	[ ! -e etc/oom_adjust.conf ]
	[ "$(cat "/proc/$pid/oom_score_adj")" = 0 ]
}

# A process names itself, and its name comes back in the list.
@test "ansible: a process name is no template" {
	local evil="o{{7+7}}$$"

	cp "$(command -v sleep)" "$evil"
	"./$evil" 300 3>&- &
	echo "process '$evil' { oom_adj = 5 }" >new.conf
	run play
	kill $!
	echo "$output"
	[ "$status" -eq 0 ]
	grep -qF "$evil" status/localhost.json
	refute grep -q "o14$$" status/localhost.json
}
