#!/usr/bin/env bats
# make install and uninstall, and what they put in place.

load common

# `! command` would not fail a test.
refute() {
	if "$@"; then
		return 1
	fi
}

# This file has a build of its own: its flags must not touch the one under test.
setup_file() {
	export D="$BATS_FILE_TMPDIR/dest dir"
	export BUILD="$BATS_FILE_TMPDIR/build"
	# An outer make's MAKEFLAGS name a job server that is not ours.
	unset MAKEFLAGS MAKELEVEL MFLAGS
	mkdir -p "$BUILD"
	# The fastest build: what these tests look at is the same.
	export CFLAGS=-O0
	make -s -j "$(nproc)" -C "$TOP" B="$BUILD" >&2
}

setup() {
	rm -rf "$D"
}

install_to() {
	make -s -C "$TOP" B="$BUILD" DESTDIR="$D" "$@"
}

mode_of() {
	stat -c %a "$D$1"
}

# Print the lines of a crontab that are neither empty nor comments.
crontab_lines() {
	grep -v -e '^#' -e '^[[:blank:]]*$' "$1"
}

@test "install: every file, with its mode" {
	install_to install PREFIX=/usr
	[ "$(mode_of /usr/sbin/oom_adjust)" = 755 ]
	[ "$(mode_of /usr/share/man/man8/oom_adjust.8)" = 644 ]
	[ "$(mode_of /usr/share/man/man5/oom_adjust.conf.5)" = 644 ]
	[ "$(mode_of /etc/oom_adjust.conf)" = 644 ]
	[ "$(mode_of /etc/cron.d/oom_adjust)" = 644 ]
	[ "$(mode_of /etc/rc.local.d/oom_adjust)" = 755 ]
	[ "$(mode_of \
	    /usr/share/bash-completion/completions/oom_adjust)" = 644 ]
	[ "$(mode_of /usr/share/zsh/site-functions/_oom_adjust)" = 644 ]
	[ "$(find "$D" -type f | wc -l)" -eq 8 ]
	"$D/usr/sbin/oom_adjust" --version
}

@test "install: cron and rc.local name the binary where it is" {
	local f

	install_to install PREFIX=/opt/oom
	for f in cron.d/oom_adjust rc.local.d/oom_adjust; do
		grep -q '/opt/oom/sbin/oom_adjust' "$D/etc/$f"
		refute grep -q /usr/local "$D/etc/$f"
	done
}

@test "install: cron runs it at 03:30 and at boot, quietly, as root" {
	local lines

	install_to install
	lines=$(crontab_lines "$D/etc/cron.d/oom_adjust")
	[ "$(wc -l <<<"$lines")" -eq 2 ]
	grep -Eq '^30 3 \* \* \*[[:blank:]]+root[[:blank:]].*; /usr/local/sbin/oom_adjust -q$' \
	    <<<"$lines"
	grep -Eq '^@reboot[[:blank:]]+root[[:blank:]].*; /usr/local/sbin/oom_adjust -q' \
	    <<<"$lines"
	# cron takes a % for a newline, and ignores a last line without one.
	refute grep -q % <<<"$lines"
	[ -z "$(tail -c 1 "$D/etc/cron.d/oom_adjust")" ]
}

@test "cron: the lines do nothing when the program is gone" {
	local line lines

	sed 's|/usr/local/sbin/oom_adjust|/nonexistent/oom_adjust|g' \
	    "$TOP/cron.d/oom_adjust" >"$BATS_TEST_TMPDIR/crontab"
	lines=$(crontab_lines "$BATS_TEST_TMPDIR/crontab")
	while read -r line; do
		# One would sleep for a minute if it went on.
		run timeout 30 sh -c "${line#*root}"
		echo "$line: $status, $output"
		[ "$status" -eq 0 ]
		[ -z "$output" ]
	done <<<"$lines"
}

@test "install: an existing config stays, the new one goes beside it" {
	mkdir -p "$D/etc"
	echo 'sshd -17' >"$D/etc/oom_adjust.conf"
	install_to install
	[ "$(cat "$D/etc/oom_adjust.conf")" = 'sshd -17' ]
	cmp "$D/etc/oom_adjust.conf.new" "$TOP/etc/oom_adjust.conf"
}

@test "install: no .new beside a config that is the same" {
	install_to install
	[ ! -e "$D/etc/oom_adjust.conf.new" ]
	install_to install
	[ ! -e "$D/etc/oom_adjust.conf.new" ]
}

@test "install: a config that is a symbolic link stays one" {
	mkdir -p "$D/etc"
	ln -s /nonexistent/oom_adjust.conf "$D/etc/oom_adjust.conf"
	install_to install
	[ -L "$D/etc/oom_adjust.conf" ]
	[ -e "$D/etc/oom_adjust.conf.new" ]
}

@test "install: a cron file that was edited stays, the new one is not read" {
	install_to install
	sed -i 's/^30 3/15 4/' "$D/etc/cron.d/oom_adjust"
	run install_to install
	[ "$status" -eq 0 ]
	[[ $output == *"cron.d/oom_adjust is kept; the new one is"* ]]
	grep -q '^15 4' "$D/etc/cron.d/oom_adjust"
	# cronie reads every file but hidden ones, Debian's cron none with a dot.
	[ "$(cd "$D/etc/cron.d" && echo *)" = oom_adjust ]
	cmp "$D/etc/cron.d/.oom_adjust.new" "$TOP/cron.d/oom_adjust"
	# It is removed once the installed file is the same.
	cp "$TOP/cron.d/oom_adjust" "$D/etc/cron.d/oom_adjust"
	install_to install
	[ ! -e "$D/etc/cron.d/.oom_adjust.new" ]
}

@test "install: a hook that was turned off by chmod -x stays off" {
	install_to install
	chmod -x "$D/etc/rc.local.d/oom_adjust"
	run install_to install
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(mode_of /etc/rc.local.d/oom_adjust)" = 644 ]
	echo '# mine' >>"$D/etc/rc.local.d/oom_adjust"
	install_to install
	[ "$(tail -n 1 "$D/etc/rc.local.d/oom_adjust")" = '# mine' ]
	[ "$(mode_of /etc/rc.local.d/oom_adjust)" = 644 ]
	[ "$(mode_of /etc/rc.local.d/.oom_adjust.new)" = 644 ]
	command -v run-parts >/dev/null || skip "NOT RUN: no run-parts"
	[ -z "$(run-parts --test "$D/etc/rc.local.d")" ]
}

@test "install: a PREFIX or SYSCONFDIR with a blank is refused" {
	local place

	for place in 'PREFIX=/opt/my tools' 'PREFIX=/usr ' \
	    'SYSCONFDIR=/my etc' 'SBINDIR=/my sbin'; do
		run install_to install "$place"
		echo "$place: $status, $output"
		[ "$status" -ne 0 ]
		[[ $output == *"must not contain blanks"* ]]
		[ ! -e "$D" ]
	done
}

@test "uninstall: all goes but the config" {
	install_to install
	echo '# mine' | tee -a "$D/etc/cron.d/oom_adjust" \
	    >>"$D/etc/rc.local.d/oom_adjust"
	install_to install
	mkdir "$D/etc/oom_adjust.conf.d"
	echo 'sshd -17' >"$D/etc/oom_adjust.conf.d/mine.conf"
	install_to uninstall
	[ "$(cd "$D" && find . -type f | LC_ALL=C sort)" = \
	    './etc/oom_adjust.conf
./etc/oom_adjust.conf.d/mine.conf' ]
	install_to uninstall
}

@test "install: SYSCONFDIR is where the binary looks, and what the pages say" {
	make -s -j "$(nproc)" -C "$TOP" B="$BATS_FILE_TMPDIR/other" DESTDIR="$D" \
	    SYSCONFDIR=/opt/etc install
	[ -f "$D/opt/etc/oom_adjust.conf" ]
	[ -f "$D/opt/etc/cron.d/oom_adjust" ]
	[ ! -e "$D/etc" ]
	run "$D/usr/local/sbin/oom_adjust" -t
	[ "$status" -eq 1 ]
	[[ $output == *"/opt/etc/oom_adjust.conf: No such file"* ]]
	grep -q '/opt/etc/oom_adjust.conf' \
	    "$D/usr/local/share/man/man5/oom_adjust.conf.5"
	refute grep -q '[^t]/etc/oom_adjust' \
	    "$D/usr/local/share/man/man8/oom_adjust.8"
}

# Run the hook with the program at PATH in place of the installed one.
hook() {
	sed "s|/usr/local/sbin/oom_adjust|$1|" "$TOP/rc.local.d/oom_adjust" \
	    >"$BATS_TEST_TMPDIR/hook"
	sh -e "$BATS_TEST_TMPDIR/hook" start
}

@test "rc.local.d: says nothing and succeeds when the binary is gone" {
	run hook /nonexistent/oom_adjust
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "rc.local.d: a failing run does not fail the boot, but is heard" {
	local binary="$BATS_TEST_TMPDIR/binary"

	printf '#!/bin/sh\necho "args: $*" >&2\nexit 2\n' >"$binary"
	chmod 755 "$binary"
	run hook "$binary"
	[ "$status" -eq 0 ]
	[[ $output == "args: -q"* ]]
}

@test "rc.local.d: run-parts runs it" {
	need_program run-parts
	install_to install
	[ "$(run-parts --test "$D/etc/rc.local.d")" = \
	    "$D/etc/rc.local.d/oom_adjust" ]
}

@test "rc.local.d: the real binary runs from it" {
	local name="oomhook$$" pid

	printf '%s 3\n' "$name" >"$BATS_TEST_TMPDIR/conf"
	chmod 644 "$BATS_TEST_TMPDIR/conf"
	(exec -a "$name" sleep 60) 3>&- &
	pid=$!
	# Without the timeout, for a slow machine and a slow wrapper.
	printf '#!/bin/sh\nexec "%s" -c "%s" "$@" --timeout 0\n' "$OOM_ADJUST" \
	    "$BATS_TEST_TMPDIR/conf" >"$BATS_TEST_TMPDIR/binary"
	chmod 755 "$BATS_TEST_TMPDIR/binary"
	until grep -q "^$name" "/proc/$pid/cmdline"; do sleep 0.01; done
	run hook "$BATS_TEST_TMPDIR/binary"
	echo "$output"
	[ "$(cat "/proc/$pid/oom_score_adj")" = 176 ]
	kill "$pid"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

# Copy the shipped config to a file that root accepts, and print its name.
shipped() {
	install -m 644 "$TOP/etc/oom_adjust.conf" "$BATS_TEST_TMPDIR/shipped"
	echo "$BATS_TEST_TMPDIR/shipped"
}

@test "shipped config: no error, no warning" {
	local conf

	conf=$(shipped)
	run "$OOM_ADJUST" -t -c "$conf"
	[ "$status" -eq 0 ]
	[[ $output =~ ^"$conf: OK ("[0-9]+" rules)"$ ]]
}

# A setting that is commented out follows its "#" at once or after a tab.
@test "shipped config: what is commented out is right too" {
	local conf

	conf=$(shipped)
	sed -i -E 's/^#((process|reset_inherited|\t[a-z_]+ = |\}).*)/\1/
	    s/jenkins, 1001/0, 1001/' "$conf"
	[ "$(grep -c '^process' "$conf")" -ge 3 ]
	grep -q '^reset_inherited' "$conf"
	run "$OOM_ADJUST" -t -c "$conf"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "shipped config: every block option is in it" {
	local word

	for word in name cmdline user oom_adj oom_score_adj containers \
	    reset_inherited adj minfree; do
		grep -Eq "^#?[[:blank:]]*$word = " "$TOP/etc/oom_adjust.conf"
	done
}

@test "shipped config: the values of the old script's example are kept" {
	local name value

	while read -r name value; do
		grep -qx "$name $value" "$TOP/etc/oom_adjust.conf" || {
			echo "missing: $name $value"
			false
		}
	done <<-END
		sshd -17
		named -8
		mysqld -1
		apache2 0
		searchd 3
		memcached 3
		mongod 5
		smtpd 5
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
}

@test "manual pages: mandoc has nothing to say" {
	need_program mandoc
	mandoc -T lint -W warning "$TOP/src/oom_adjust.8" \
	    "$TOP/src/oom_adjust.conf.5"
}

# Write each example config in section $2 of page $1 to a file of its own, with
# users that exist here.
examples() {
	awk -v section="$2" -v to="$BATS_TEST_TMPDIR/example" '
		/^\.Sh/ { in_section = $0 == ".Sh " section }
		/^\.Bd/ { file = in_section ? to "." ++n : ""; next }
		/^\.Ed/ { if (file != "") close(file); file = "" }
		file != "" {
			gsub(/\\e/, "\\")
			gsub(/\{[a-z]+, /, "{root, ")
			print >file
		}
	' "$1"
}

@test "manual page: the examples of configs are right" {
	local f n=0

	examples "$TOP/src/oom_adjust.conf.5" EXAMPLES
	for f in "$BATS_TEST_TMPDIR"/example.*; do
		cat "$f"
		"$OOM_ADJUST" -t -c "$f"
		n=$((n + 1))
	done
	[ "$n" -ge 3 ]
}

@test "README: the examples of rules are right" {
	awk '/^\t[a-z]+ -?[0-9]+/
	    /^\tprocess/, /^\t}/' "$TOP/README" |
	    sed 's/{jenkins}/{root}/' >"$BATS_TEST_TMPDIR/readme"
	cat "$BATS_TEST_TMPDIR/readme"
	grep -q '^.sshd -17' "$BATS_TEST_TMPDIR/readme"
	grep -q '^.process' "$BATS_TEST_TMPDIR/readme"
	"$OOM_ADJUST" -t -c "$BATS_TEST_TMPDIR/readme"
}

@test "manual page: every option of --help is in it" {
	local option

	"$OOM_ADJUST" --help >"$BATS_TEST_TMPDIR/help"
	grep -oE -e '--[a-z]+(-[a-z]+)*' "$BATS_TEST_TMPDIR/help" | sort -u \
	    >"$BATS_TEST_TMPDIR/options"
	[ -s "$BATS_TEST_TMPDIR/options" ]
	while read -r option; do
		grep -q -e "Fl.* -${option#--}\b" "$TOP/src/oom_adjust.8" || {
			echo "not in the page: $option"
			false
		}
	done <"$BATS_TEST_TMPDIR/options"
}

@test "shell files: shellcheck has nothing to say" {
	need_program shellcheck
	shellcheck "$TOP/rc.local.d/oom_adjust" \
	    "$TOP/etc/oom_adjust.bash-completion"
}

@test "dist: the same bytes each time, and they build" {
	need_program git
	local second
	git -C "$TOP" rev-parse -q --verify HEAD >/dev/null ||
		skip "NOT RUN: no git repository"
	cd "$BATS_TEST_TMPDIR"
	make -s -C "$TOP" B="$PWD/one" dist
	printf -v second '%(%s)T'
	while [[ $(printf '%(%s)T') == "$second" ]]; do
		sleep 0.01
	done
	make -s -C "$TOP" B="$PWD/two" dist
	cmp one/oom_adjust-*.tar.gz two/oom_adjust-*.tar.gz
	tar -xzf one/oom_adjust-*.tar.gz
	cd oom_adjust-*/
	make -s -j "$(nproc)"
	build/oom_adjust -t -c etc/oom_adjust.conf
}
