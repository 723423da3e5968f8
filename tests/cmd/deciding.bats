#!/usr/bin/env bats
# Which rule decides, and for whom a name is not enough.
# shellcheck disable=SC2154 # out, err, pid are set by common.bash

load common

@test "the last rule that matches decides" {
	config <<-EOF
		$MARK 1
		process a {
			name = "$MARK"
			cmdline = "--blue"
			oom_adj = 2
		}
		process b {
			name = "$MARK"
			cmdline = "--re[d]"
			oom_adj = 3
		}
	EOF
	actor plain "$MARK"
	actor blue "$MARK" --blue
	actor red "$MARK" --red
	actor both "$MARK" --red --blue
	adjust -q -c c.conf
	status_is 0
	value_is "$plain" 58
	value_is "$blue" 117
	value_is "$red" 176
	value_is "$both" 176
}

@test "a later short form undoes an earlier block" {
	config <<-EOF
		process a {
			name = "$MARK"
			cmdline = "."
			oom_adj = 2
		}
		$MARK 1
	EOF
	actor pid "$MARK" x
	adjust -q -c c.conf
	value_is "$pid" 58
}

@test "names by different ways: the last rule decides" {
	need_service
	cp "$HELPERS/actor" "./$MARK"
	config <<-EOF
		$PWD/$MARK 1
		$MARK 2
	EOF
	actor pid -e "$PWD/$MARK" "/sbin/$MARK"
	adjust -q -c c.conf
	value_is "$pid" 117
	config <<-EOF
		$MARK 2
		$PWD/$MARK 1
	EOF
	adjust -q -c c.conf
	value_is "$pid" 58
	actor pid -e "$PWD/$MARK" other
	adjust -q -c c.conf
	value_is "$pid" 58
}

@test "cmdline is matched against the arguments joined with blanks" {
	config <<-EOF
		process a {
			name = "$MARK"
			cmdline = "^$MARK -jar [a-z]+\\\\.war\$"
			oom_score_adj = 300
		}
	EOF
	actor yes "$MARK" -jar jenkins.war
	actor no "$MARK" -jar jenkins.war more
	actor no2 "$MARK" -jar jenkinsxwar
	adjust -q -c c.conf
	status_is 0
	value_is "$yes" 300
	value_is "$no" 0
	value_is "$no2" 0
}

@test "cmdline sees the first 32 KiB of the arguments" {
	config <<-EOF
		process a {
			name = "$MARK"
			cmdline = "needle"
			oom_score_adj = 300
		}
	EOF
	actor yes "$MARK" "$(printf '%032700d' 0)" needle
	actor no "$MARK" "$(printf '%032800d' 0)" needle
	adjust -q -c c.conf
	status_is 0
	value_is "$yes" 300
	value_is "$no" 0
}

@test "user: the effective user must be one of them" {
	need_root
	config <<-EOF
		process a {
			name = "$MARK"
			user = {4711, daemon}
			oom_score_adj = 300
		}
	EOF
	actor a -u 4711 "$MARK"
	actor b -u 0,4711,0 "$MARK"
	actor c -u 4711,0,4711 "$MARK"
	actor d -u "$(id -u daemon)" "$MARK"
	actor e "$MARK"
	adjust -q -c c.conf
	status_is 0
	value_is "$a" 300
	value_is "$b" 300
	value_is "$c" 0
	value_is "$d" 300
	value_is "$e" 0
}

@test "a negative value does not reach login users' processes by name" {
	need_root
	config <<<"$MARK -5"
	local nobody
	nobody=$(getent passwd 4711 | cut -d: -f1)
	[[ -z $nobody ]] || skip "NOT RUN: there is a user 4711"
	actor root "$MARK"
	actor daemon -u 999 "$MARK"
	actor real -u 4711,0,0 "$MARK"
	actor effective -u 0,4711,0 "$MARK"
	actor saved -u 0,0,4711 "$MARK"
	actor all -u 4711 "$MARK"
	actor first -u 1000 "$MARK"
	adjust -n -c c.conf
	status_is 0
	err_is ""
	process_line "$root" "(actor): 0 -> -294"
	process_line "$daemon" "(actor): 0 -> -294"
	process_line "$real" "(actor): passed over: user 4711"
	process_line "$effective" "(actor): passed over: user 4711"
	process_line "$saved" "(actor): passed over: user 4711"
	process_line "$all" "(actor): passed over: user 4711"
	grep -Eq "^ +$first \(actor\): passed over: user .*1000" out
	out_has "7 processes: 2 would be changed, 0 already set, 0 failed, 5 would be passed over"
}

@test "a user with a name is passed over by it" {
	need_root
	local name uid
	IFS=: read -r name _ uid _ < <(awk -F: \
		'$3 >= 1000 && $3 < 60000' /etc/passwd) || true
	[[ -n $name ]] || skip "NOT RUN: there is no login user here"
	config <<<"$MARK -5"
	actor pid -u "$uid" "$MARK"
	adjust -n -c c.conf
	process_line "$pid" "(actor): passed over: user $name ($uid)"
}

@test "passed over: it keeps its value, and the status is 0" {
	need_root
	config <<<"$MARK -5"
	actor pid -u 4711 -o 100 "$MARK"
	adjust -c c.conf
	status_is 0
	err_is "oom_adjust: c.conf:1: $MARK: passed over its only process (user id 4711): a process block with user = {...} allows it"
	out_is "oom_adjust is setting oom_killer priorities
  Setting $MARK to -5
1 process: 0 changed, 0 already set, 0 failed, 1 passed over"
	value_is "$pid" 100
	adjust -q -c c.conf
	status_is 0
	err_is ""
}

@test "values that raise apply to everybody's processes" {
	need_root
	config <<<"$MARK 0"
	actor pid -u 4711 -o 100 "$MARK"
	adjust -q -c c.conf
	status_is 0
	value_is "$pid" 100
	config <<<"$MARK 5"
	adjust -q -c c.conf
	value_is "$pid" 294
}

@test "user = allows its users, containers = true containers" {
	need_namespaces
	config <<-EOF
		process a {
			name = "${MARK}a"
			user = {4711}
			oom_score_adj = -5
		}
		process b {
			name = "${MARK}b"
			containers = true
			oom_score_adj = -6
		}
		process c {
			name = "${MARK}c"
			oom_score_adj = -7
		}
		process d {
			name = "${MARK}d"
			cmdline = "."
			oom_score_adj = -8
		}
	EOF
	actor a1 -u 4711 "${MARK}a"
	actor a2 -u 4711 -P "${MARK}a"
	actor a3 "${MARK}a"
	actor b1 -P "${MARK}b"
	actor b2 -P -u 4711 "${MARK}b"
	actor c1 -P "${MARK}c"
	actor c2 -U "${MARK}c"
	actor d1 -P "${MARK}d"
	actor d2 -u 4711 "${MARK}d"
	adjust -n -c c.conf
	status_is 0
	process_line "$a1" "(actor): 0 -> -5"
	process_line "$a2" \
		"(actor): passed over: container (another PID namespace)"
	! grep -Eq "^ +$a3 " out || complain "a3"
	process_line "$b1" "(actor): 0 -> -6"
	process_line "$b2" "(actor): passed over: user 4711"
	process_line "$c1" \
		"(actor): passed over: container (another PID namespace)"
	process_line "$c2" "(actor): 0 -> -7"
	process_line "$d1" \
		"(actor): passed over: container (another PID namespace)"
	process_line "$d2" "(actor): passed over: user 4711"
}

@test "positive values reach containers" {
	need_namespaces
	config <<<"$MARK 5"
	actor pid -P "$MARK"
	adjust -q -c c.conf
	value_is "$pid" 294
}

# Seen from inside a namespace, its processes are in the same one as its PID 1.
own_namespace() {
	config <<<"$MARK -5"
	actor pid "$MARK"
	actor inner -P "$MARK"
	adjust -n -c c.conf
	status_is 0
	process_line "$pid" "(actor): 0 -> -294"
	process_line "$inner" \
		"(actor): passed over: container (another PID namespace)"
}
export -f own_namespace

@test "inside a container its own processes are none of another one" {
	isolated own_namespace
}

@test "login users begin where UID_MIN of login.defs says" {
	need_namespaces
	[[ -e /etc/login.defs ]] || skip "NOT RUN: no /etc/login.defs"
	config <<<"$MARK -5"
	actor a -u 499 "$MARK"
	actor b -u 500 "$MARK"
	actor c -u 4711 "$MARK"
	printf '# UID_MIN 7\n  UID_MIN\t\t  500\nUID_MAX 60000\n' >login.defs
	# shellcheck disable=SC2016 # the inner shell expands
	adjust_by unshare --mount bash -c 'mount --bind login.defs \
		/etc/login.defs && exec "$@"' bash -- -n -c c.conf
	status_is 0
	process_line "$a" "(actor): 0 -> -294"
	grep -Eq "^ +$b \(actor\): passed over: user .*500" out ||
		complain "500"
	printf 'UID_MIN 5000\n' >login.defs
	# shellcheck disable=SC2016
	adjust_by unshare --mount bash -c 'mount --bind login.defs \
		/etc/login.defs && exec "$@"' bash -- -n -c c.conf
	process_line "$c" "(actor): 0 -> -294"
	: >login.defs
	# shellcheck disable=SC2016
	adjust_by unshare --mount bash -c 'mount --bind login.defs \
		/etc/login.defs && exec "$@"' bash -- -n -c c.conf
	process_line "$b" "(actor): 0 -> -294"
	process_line "$c" "(actor): passed over: user 4711"
}

@test "a path over a symbolic link: any number of them" {
	local i
	mkdir real
	ln -s real link
	for i in {1..500}; do
		: >"real/p$i"
		echo "$PWD/link/p$i 5"
	done >c.conf
	fake 10 x 0 1 0
	ln -sf "$PWD/real/p7" proc/10/exe
	adjust -v -c c.conf --proc proc
	status_is 0
	err_is ""
	out_has "1 process: 1 changed" "10 (x): 0 -> 294"
}
