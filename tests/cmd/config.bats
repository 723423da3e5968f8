#!/usr/bin/env bats
# The config file: what is accepted, and each error's message and line.

# shellcheck disable=SC2154 # out, err, pid are set by common.bash

load common

# bad LINE TEXT ...: the config is refused, with c.conf:LINE: and each TEXT,
# by -t and by a run, which changes nothing.
bad() {
	local line=$1 pid
	shift
	printf '\n%s 7\n' "$MARK" >>c.conf
	adjust -t -c c.conf
	status_is 1
	out_is ""
	err_has "oom_adjust: c.conf:$line: " "$@"
	! under_valgrind || return 0
	actor pid "$MARK"
	adjust -c c.conf
	status_is 1
	out_is ""
	err_has "oom_adjust: c.conf:$line: " "$@"
	value_is "$pid" 0
	kill_actor "$pid"
}

# bad_file FILE TEXT: the same for an error of the file as a whole, with no line.
bad_file() {
	adjust -t -c "$1"
	status_is 1
	out_is ""
	err_has "oom_adjust: $1: " "$2"
	adjust -c "$1"
	status_is 1
	out_is ""
	err_has "oom_adjust: $1: " "$2"
}

# mistakes FILE: each of its configs gives exactly the messages after it, and
# the config after "--", which follows their advice, is good.
mistakes() {
	local line name='' text='' want='' fixed='' part=text bad=0
	local LC_ALL=C.UTF-8 number=0
	while IFS= read -r line; do
		case $line in
		"## "*)
			[[ -z $name ]] || mistake || bad=$((bad + 1))
			name=${line#"## "} text='' want='' fixed='' part=text
			number=$((number + 1))
			;;
		"=> "*)
			want+="oom_adjust: c.conf:${line#"=> "}"$'\n'
			;;
		"-- "*)
			part=fixed
			;;
		*)
			printf -v $part '%s%s\n' "${!part}" "$line"
			;;
		esac
	done < <(cat "$1" && echo "## the end")
	echo "$((number - 1)) mistakes, $bad other answers" >&2
	[[ $bad -eq 0 && $number -gt 60 ]]
}

# Check one of them. <U+200B> and the like stand for invisible characters.
mistake() {
	local character
	text=${text//<CR>/$'\r'}
	while [[ $text =~ \<U\+([0-9A-F]{4})\> ]]; do
		# shellcheck disable=SC2059 # \u is the format's
		printf -v character "\\u${BASH_REMATCH[1]}"
		text=${text//"${BASH_REMATCH[0]}"/$character}
	done
	want=${want%$'\n'}
	printf %s "$text" >c.conf
	adjust -t -c c.conf
	# The C library has words of its own for what is wrong with a regex(7).
	[[ $want != *"<REASON>"* || $err != "${want%%<REASON>*}"?* ]] ||
		want=$err
	if [[ $status -ne 1 || -n $out || $err != "$want" ]]; then
		printf '%s\n' "## $name" "status $status, not:" "$want" \
			"but:" "$out$err" >&2
		return 1
	fi
	[[ -n $fixed ]] && ! under_valgrind || return 0
	printf %s "$fixed" >c.conf
	adjust -t -c c.conf
	if [[ $status -ne 0 ]] || ! no_complaint; then
		printf '%s\n' "## $name, with its advice followed" "$err" >&2
		return 1
	fi
	same_again
}

# Standard error is empty, but for messages about this machine.
no_complaint() {
	local lines
	lines=$(grep -v ': reset_inherited resets nothing: ' err || true)
	[[ -z $lines ]] || complain "complaints"
}

# Print each rule of a config as a dry run does, without its title.
rules_of() {
	"$OOM_ADJUST" -n -c "$1" --proc one_process 2>/dev/null |
		sed -n 's/^  Setting \(.*\) to \(-*[0-9]*\).*/\1 \2/p'
}

# The output of -t -v is a config that means the same.
same_again() {
	! under_valgrind || return 0
	mkdir -p one_process/1
	adjust -t -v -c c.conf
	mv out printed.conf
	[[ $out == *"# c.conf: OK ("*" rule"*")" ]] || complain "not OK"
	rules_of c.conf >rules
	rules_of printed.conf | diff rules - >&2 ||
		complain "means something else"
	adjust -t -v -c printed.conf
	status_is 0
	no_complaint
	sed -i 's/ # [^#]*$//; $d' printed.conf out
	diff printed.conf out >&2
}

# good N: the config has N rules.
good() {
	same_again
	adjust -t -c c.conf
	status_is 0
	no_complaint
	if [[ $1 -eq 1 ]]; then
		out_is "c.conf: OK (1 rule)"
	else
		out_is "c.conf: OK ($1 rules)"
	fi
}

# setting TEXT: a dry run prints this rule line.
setting() {
	adjust -n -c c.conf
	# An ordinary user may not see which program a process runs.
	[[ $status -eq 0 || $err == *"rules by path are incomplete"* ]] ||
		complain "status $status"
	[[ $'\n'$out$'\n' == *$'\n'"  Setting $1"$'\n'* ]] ||
		complain "no line: Setting $1"
}

@test "a missing file" {
	bad_file c.conf "No such file or directory"
}

@test "a directory, a FIFO, a device, a socket in its place" {
	mkdir d
	mkfifo f
	bad_file d directory
	bad_file f FIFO
	bad_file /dev/null device
	bad_file /dev/tty ""
	perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "s", Listen => 1)'
	bad_file s ""
}

@test "an unreadable file" {
	need_root
	open_directory
	config <<<"$MARK 5"
	chmod 600 c.conf
	adjust_by "${NOBODY[@]}" -- -t -c c.conf
	status_is 1
	err_has "oom_adjust: c.conf: " "Permission denied"
}

@test "a NUL byte" {
	printf '%s 5\n%s 6\0\n' "$MARK" "$MARK" >c.conf
	adjust -t -c c.conf
	status_is 1
	err_has "oom_adjust: c.conf:2: " NUL
}

@test "1 MiB is read, a byte more is not" {
	local size
	config <<<"$MARK 5"
	size=$(stat -c %s c.conf)
	printf '#%0*d\n' $((1048576 - size - 2)) 0 >>c.conf
	[[ $(stat -c %s c.conf) -eq 1048576 ]]
	good 1
	echo >>c.conf
	bad_file c.conf "1 MiB"
}

@test "an empty file and one of comments alone have no rules" {
	: >c.conf
	good 0
	printf '# sshd -17\n\n   # named 5\n\t\n' >c.conf
	good 0
	printf '#' >c.conf
	good 0
}

@test "not an integer" {
	local v
	for v in x 5x - 1.5 0x 1e3 -0x 08 99999999999999999999x; do
		config <<<$'# c\n'"foo $v"
		bad 2 "not an integer" "\"$v\""
	done
	config <<<'process a { oom_adj = five }'
	bad 1 "not an integer" five oom_adj
	config <<<$'process a {\n\toom_score_adj = "5 "\n}'
	bad 2 "not an integer" oom_score_adj
}

@test "out of range, and the hint to oom_score_adj" {
	local v
	for v in 16 -18 -900 1000 -1000; do
		config <<<$'\n\n'"foo $v"
		bad 3 "out of range" "$v" "-17 to 15" oom_score_adj process
	done
	for v in 1001 -1001 99999999999999999999 -99999999999999999999; do
		config <<<"foo $v"
		bad 1 "out of range" "$v" "-17 to 15"
		[[ $err != *oom_score_adj* ]] || complain "a wrong hint"
	done
	config <<<"process a { oom_adj = 16 }"
	bad 1 "out of range" "-17 to 15"
	for v in 1001 -1001 4294967296; do
		config <<<"process a { oom_score_adj = $v }"
		bad 1 "out of range" "-1000 to 1000"
	done
}

@test "the ends of the ranges" {
	config <<-EOF
		a -17
		b 15
		process c { oom_adj = -17 }
		process d { oom_adj = 15 }
		process e { oom_score_adj = -1000 }
		process f { oom_score_adj = 1000 }
		process g { oom_score_adj = +5 }
		h +5
		i 0
		j -0
	EOF
	good 10
}

@test "integers are read as strtol and the kernel read them" {
	config <<-EOF
		a 010
		b 0x0a
		process c { oom_score_adj = 0x10 }
	EOF
	setting "a to 8"
	setting "b to 10"
	setting "c to 16 (oom_score_adj)"
}

@test "a non-breaking space" {
	printf 'a 5\nsshd\xc2\xa0-17\n' >c.conf
	bad 2 non-breaking U+00A0
	printf 'sshd \xc2\xa0-17\n' >c.conf
	bad 1 non-breaking U+00A0
	printf '\xc2\xa0sshd -17\n' >c.conf
	bad 1 non-breaking U+00A0
	printf 'process a {\n\xc2\xa0oom_adj = 5\n}\n' >c.conf
	bad 2 non-breaking U+00A0
	printf '# a\xc2\xa0comment\nprocess "a\xc2\xa0b" { oom_adj = 5 }\n' \
		>c.conf
	good 1
}

@test "an unknown option" {
	config <<<$'process a {\n\toom_adj = 5\n\tnosuch = 1\n}'
	bad 3 '"nosuch"'
	config <<<$'\n\nnosuch = 1'
	bad 3 '"nosuch"'
	config <<<$'daemon a {\n\toom_adj = 5\n}'
	bad 1 ""
	config <<<$'lowmemorykiller {\n\tcost = {1}\n}'
	bad 2 '"cost"'
}

@test "both or neither of oom_adj and oom_score_adj" {
	config <<<$'\nprocess "a" {\n\toom_adj = 5\n\toom_score_adj = 5\n}'
	bad 2 both oom_adj oom_score_adj
	config <<<$'\nprocess "a" {\n\tcontainers = true\n}'
	bad 2 neither oom_adj oom_score_adj
	config <<<$'process "a" { }'
	bad 1 neither
}

@test "a bad regular expression" {
	config <<<$'process a {\n\tcmdline = "(x"\n\toom_adj = 5\n}'
	bad 2 cmdline "(x"
	config <<<$'process a {\n\toom_adj = 5\n\tcmdline = "a[b"\n}'
	bad 3 cmdline "a[b"
	config <<<$'process a {\n\toom_adj = 5\n\tcmdline = "*"\n}'
	adjust -t -c c.conf
	[[ $status -le 1 ]]
}

@test "a name with a slash that is no absolute path" {
	local name
	for name in sbin/sshd ./sshd ../sshd sshd/ /usr/sbin/; do
		config <<<$'\n'"$name 5"
		bad 2 "absolute path" "$name"
		config <<<$'process a {\n\n\tname = "'"$name"$'"\n\toom_adj = 5\n}'
		bad 3 "absolute path" "$name"
	done
	config <<-EOF
		/usr/sbin/sshd 5
		process x {
			name = "/usr/sbin/named"
			oom_adj = 5
		}
		process "/bin/sh" { oom_adj = 5 }
	EOF
	good 3
}

@test "an empty name" {
	config <<<$'process "" { oom_adj = 5 }'
	bad 1 "empty name"
	config <<<$'process a {\n name = ""\n oom_adj = 5\n}'
	bad 2 "empty name"
}

@test "lists of lowmemorykiller" {
	config <<<$'\nlowmemorykiller {\n\tadj = {1, 2}\n\tminfree = {1}\n}'
	bad 2 lowmemorykiller "2 entries" 1
	config <<<$'\nlowmemorykiller {\n\tadj = {1, 2}\n}'
	bad 2 lowmemorykiller
	config <<<$'lowmemorykiller {\n\tadj = {2, 1}\n\tminfree = {1, 2}\n}'
	bad 2 ascending adj
	config <<<$'lowmemorykiller {\n\tadj = {1, 2}\n\tminfree = {2, 1}\n}'
	bad 3 ascending minfree
	config <<<$'lowmemorykiller {
		adj = {1,2,3,4,5,6,7}\n\tminfree = {1,2,3,4,5,6,7}\n}'
	bad 2 6
	config <<<$'lowmemorykiller {\n\tadj = {x}\n}'
	bad 2 "not an integer" adj
	config <<<$'lowmemorykiller {\n\tminfree = {-1}\n}'
	bad 2 "out of range" minfree
	config <<<$'lowmemorykiller {\n\tadj = {}\n\tminfree = {}\n}'
	bad 2 "no value"
}

@test "good lists of lowmemorykiller" {
	config <<<'lowmemorykiller { }'
	good 0
	config <<<$'lowmemorykiller {\n\tadj = {9999}\n\tminfree = {1}\n}'
	good 0
	config <<-EOF
		lowmemorykiller {
			adj = {0, 1, 2, 4, 9, 15}	# one
			minfree = {1, 2, 3,		# more
				4, 5, 6}
		}
	EOF
	good 0
}

@test "two blocks with the same title name both lines" {
	config <<-EOF
		process java { oom_adj = 5 }
		other 5

		process java {
			oom_adj = 6
		}
	EOF
	bad 4 java "line 1"
}

@test "two short forms of one name: a warning, the later wins" {
	config <<<$'foo 5\n\nfoo 6'
	adjust -t -c c.conf
	status_is 0
	out_is "c.conf: OK (2 rules)"
	err_has "oom_adjust: c.conf:3: " foo "line 1"
	[[ $(wc -l <err) -eq 1 ]]
	printf '%s 5\n%s 6\n' "$MARK" "$MARK" >c.conf
	actor pid "$MARK"
	adjust -q -c c.conf
	status_is 0
	value_is "$pid" 352
}

@test "a short form and a block of one name are no repetition" {
	config <<<$'foo 5\nprocess foo { oom_adj = 6 }'
	good 2
	config <<<$'process foo { oom_adj = 6 }\nfoo 5'
	good 2
}

@test "the same title in two files is allowed" {
	mkdir c.conf.d
	config <<<'process foo { oom_adj = 5 }'
	cp c.conf c.conf.d/a.conf
	good 2
}

@test "an unknown user: an error for -t, a warning and status 2 in a run" {
	config <<-EOF
		process a {
			name = $MARK
			oom_adj = 4
		}
		process b {
			name = $MARK
			user = {nosuchuser}
			oom_adj = 5
		}
	EOF
	adjust -t -c c.conf
	status_is 1
	err_has "oom_adjust: c.conf:7: " nosuchuser
	actor pid "$MARK"
	adjust -c c.conf
	status_is 2
	err_has "oom_adjust: c.conf:7: " nosuchuser
	out_has "1 process: 1 changed"
	value_is "$pid" 235
}

@test "an unknown user beside a known one spoils the rule all the same" {
	config <<-EOF
		process a {
			name = $MARK
			user = {root, nosuchuser}
			oom_adj = 5
		}
	EOF
	actor pid "$MARK"
	adjust -c c.conf
	status_is 2
	value_is "$pid" 0
}

@test "a user that is a number need not exist" {
	config <<<'process a { user = {4711, "12"}; oom_adj = 5 }'
	sed -i 's/;/\n/' c.conf
	good 1
	config <<<$'process a {\n user = {4294967295}\n oom_adj = 5\n}'
	bad 2 4294967295
	config <<<$'process a {\n user = {}\n oom_adj = 5\n}'
	bad 2 "no value"
}

@test "neither true nor false" {
	config <<<$'process a {\n containers = 2\n oom_adj = 5\n}'
	bad 2 containers
	config <<<$'\nreset_inherited = perhaps'
	bad 2 reset_inherited
	config <<<$'reset_inherited = true\nreset_inherited = false'
	adjust -t -c c.conf
	[[ $status -le 1 ]]
}

@test "syntax errors" {
	config <<<$'process a { oom_adj = 5 '
	adjust -t -c c.conf
	status_is 1
	err_has "oom_adjust: c.conf:1: "
	config <<<$'a 5\nprocess b {\n oom_adj = "5\n}\n'
	adjust -t -c c.conf
	status_is 1
	err_has "oom_adjust: c.conf:3: "
	config <<<$'a 5\n/* comment\n'
	adjust -t -c c.conf
	status_is 1
	err_has "oom_adjust: c.conf:2: "
	config <<<$'a 5\nsshd'
	bad 2 sshd
	config <<<$'a 5\nsshd -17 now'
	bad 2 ""
	config <<<$'a 5\n}\n'
	bad 2 ""
	config <<<$'a 5\nprocess { oom_adj = 5 }\n'
	bad 2 ""
	config <<<$'a 5\nprocess "\\777" { oom_adj = 5 }\n'
	adjust -t -c c.conf
	status_is 1
	err_has "oom_adjust: c.conf:2: "
}

@test "all errors of a file are reported" {
	config <<-EOF
		a x
		b 99
		process c {
			oom_adj = y
			cmdline = "("
		}
		process d { }
		./e 5
	EOF
	adjust -t -c c.conf
	status_is 1
	local line
	for line in 1 2 4 5 7 8; do
		err_has "oom_adjust: c.conf:$line: "
	done
}

@test "errors of drop-ins have their own file and line" {
	mkdir c.conf.d
	config <<<$'\n\na x'
	printf '\nb 99\n' >c.conf.d/1.conf
	printf 'c 5\n\n\nd y\n' >c.conf.d/2.conf
	adjust -t -c c.conf
	status_is 1
	err_has "oom_adjust: c.conf:3: " "oom_adjust: c.conf.d/1.conf:2: " \
		"oom_adjust: c.conf.d/2.conf:4: "
}

@test "an error in a drop-in: nothing is changed" {
	mkdir c.conf.d
	config <<<"$MARK 5"
	echo "b 99" >c.conf.d/1.conf
	actor pid "$MARK"
	adjust -c c.conf
	status_is 1
	value_is "$pid" 0
}

@test "drop-ins in byte order, only *.conf, after the main file" {
	local i n
	mkdir c.conf.d
	config <<<"m 1"
	echo "a 2" >c.conf.d/a.conf
	echo "b 3" >c.conf.d/B.conf
	echo "c 4" >c.conf.d/10.conf
	echo "d 5" >c.conf.d/9.conf
	echo "e 6" >c.conf.d/e.conf~
	echo "f 7" >c.conf.d/README
	echo "g 8" >c.conf.d/x.conf.bak
	echo "h 9" >c.conf.d/z.conf
	good 6
	adjust -n -c c.conf
	[[ $(sed -n 's/^  Setting \(.\) .*/\1/p' out | tr -d '\n') == mcdbah ]] ||
		complain "order"
	# So many that no file system has them in this order by itself.
	rm c.conf.d/*
	for ((i = 10; i < 40; i++)); do
		n=$((i * 7 % 30 + 10))
		echo "r$n 5" >c.conf.d/$n.conf
	done
	adjust -n -c c.conf
	sed -n 's/^  Setting r\(..\) .*/\1/p' out | diff <(seq 10 39) -
}

@test "the last rule that matches wins across files" {
	mkdir c.conf.d
	config <<<"$MARK 1"
	echo "$MARK 2" >c.conf.d/1.conf
	echo "$MARK 3" >c.conf.d/2.conf
	actor pid "$MARK"
	adjust -q -c c.conf
	status_is 0
	value_is "$pid" 176
}

@test "a drop-in directory that is a file, a drop-in that is a directory" {
	config <<<"$MARK 5"
	touch c.conf.d
	adjust -t -c c.conf
	status_is 1
	err_has "c.conf.d"
	rm c.conf.d
	mkdir -p c.conf.d/1.conf
	adjust -t -c c.conf
	status_is 1
	err_has "oom_adjust: c.conf.d/1.conf: " directory
}

@test "owner and mode, when root reads it" {
	need_root
	config <<<"$MARK 5"
	local mode
	for mode in 664 646 622 666 620; do
		chmod $mode c.conf
		bad_file c.conf writable
	done
	for mode in 600 644 444 640 755; do
		chmod $mode c.conf
		good 1
	done
	chown 4711 c.conf
	bad_file c.conf 4711
	chown 0:4711 c.conf
	good 1
}

@test "owner and mode of drop-ins and of their directory" {
	need_root
	config <<<"$MARK 5"
	mkdir c.conf.d
	echo "$MARK 6" >c.conf.d/a.conf
	good 2
	chmod 664 c.conf.d/a.conf
	adjust -t -c c.conf
	status_is 1
	err_has "oom_adjust: c.conf.d/a.conf: " writable
	chmod 644 c.conf.d/a.conf
	chown 4711 c.conf.d/a.conf
	adjust -t -c c.conf
	status_is 1
	err_has "oom_adjust: c.conf.d/a.conf: " 4711
}

@test "a symbolic link is followed, and its target's owner counts" {
	need_root
	echo "$MARK 5" >target
	ln -s target c.conf
	good 1
	chown 4711 target
	bad_file c.conf 4711
}

@test "an ordinary user may use a file of his own" {
	need_root
	open_directory
	config <<<"$MARK 5"
	chmod 666 c.conf
	chown 65534 c.conf
	adjust_by "${NOBODY[@]}" -- -t -c c.conf
	status_is 0
}

@test "CR LF, tabs, comments after a rule, no newline at the end" {
	printf 'a 1\r\n\tb\t\t2\r\n  c   3  # comment\r\nd 4# comment\n' >c.conf
	printf 'process e {\r\n\toom_adj = 5\r\n}\r\n\r\nf 6' >>c.conf
	good 6
	local rule
	for rule in "a to 1" "b to 2" "c to 3" "d to 4" "e to 5" "f to 6"; do
		setting "$rule"
	done
}

@test "a byte order mark is skipped" {
	printf '\xef\xbb\xbfa 1\n' >c.conf
	setting "a to 1"
}

@test "comments and short forms inside strings and comments stay there" {
	cat >c.conf <<-'EOF'
		/* a
		x 5
		*/
		// y 5
		process p {
			cmdline = "one # two
		z 5
		" // comment
			# q 5
			oom_adj = 5
		}
	EOF
	good 1
}

@test "the words of the block form may be spread over lines" {
	config <<-EOF
		process
		a
		{
			oom_adj =
			5
		}
		process b { oom_adj = 6 } process c { oom_adj = 7 }
		d 8
	EOF
	good 4
	setting "d to 8"
}

@test "names that need quoting" {
	cat >c.conf <<-'EOF'
		process "a b" { oom_adj = 1 }
		process "(sd-pam)" { oom_adj = 2 }
		process 'x{y}#z=,+' { oom_adj = 3 }
		process "${HOME}" { oom_adj = 4 }
		process '${HOME}' { oom_adj = 5 }
		process "q\"q\\q" { oom_adj = 6 }
	EOF
	HOME=expanded good 6
	HOME=expanded setting "a b to 1"
	HOME=expanded setting "(sd-pam) to 2"
	HOME=expanded setting 'x{y}#z=,+ to 3'
	HOME=expanded setting 'expanded to 4'
	# shellcheck disable=SC2016 # not expanded
	HOME=expanded setting '${HOME} to 5'
}

@test "short forms with every character that needs no quoting" {
	config <<-'EOF'
		pure-ftpd 10
		a.out 1
		k_worker:0 2
		foo@bar%baz! 3
		b~c$d&e;f<g>h\i[j]k^l`m|n'o(p)q+r 4
		/opt/x-y/z.w 5
		007 6
	EOF
	good 7
	setting '007 to 6'
	# shellcheck disable=SC2016 # not expanded
	setting "b~c\$d&e;f<g>h\\\\i[j]k^l\`m|n'o(p)q+r to 4"
}

@test "a short form that is called like a keyword of the blocks" {
	config <<<$'name 1\nuser 2\ncmdline 3\ncontainers 4\noom_adj 5\nadj 6'
	good 6
	config <<<$'process 5\nlowmemorykiller 5\nreset_inherited 5'
	adjust -t -c c.conf
	[[ $status -le 1 ]]
}

@test "reset_inherited is read" {
	config <<<'reset_inherited = true'
	good 0
	config <<<'reset_inherited = no'
	good 0
}

@test "control characters in a config are shown escaped" {
	printf 'a \e[31mred\n' >c.conf
	adjust -t -c c.conf
	status_is 1
	[[ $err != *$'\e'* ]] || complain "an escape sequence"
	printf 'process "\\x1b[31m\\n" { }\n' >c.conf
	adjust -t -c c.conf
	status_is 1
	[[ $err != *$'\e'* ]] || complain "an escape sequence"
	[[ $(wc -l <err) -eq 1 ]] || complain "more than a line"
}

@test "~ in the config's name is not expanded" {
	local tilde="~"
	HOME=$PWD adjust -t -c "$tilde/c.conf"
	status_is 1
	err_has "$tilde/c.conf: No such file"
}

@test "1,000 rules" {
	local i
	for ((i = 0; i < 1000; i++)); do
		echo "name$i $((i % 15))"
	done >c.conf
	good 1000
}

@test "a table of mistakes: one message each, at its line, with good advice" {
	untraced mistakes "$BATS_TEST_DIRNAME/mistakes"
}

# shellcheck disable=SC2016 # not expanded
@test "names of the short form that must load" {
	local name LC_ALL=C.UTF-8
	for name in g++ c++filt '(sd-pam)' "it's" rs:main @agent süß 日本 \
		a.b-c_d 'back\slash' '[x]' '$HOME' '!x' '%idle' '~x' 'a;b' \
		'x"'"'"'y' "o'" '-x' '+x' '&' '<x>' 'x|y' 007 process name \
		user /opt/x+y; do
		[[ $name != *\"* ]] || continue
		printf '%s\t5 # comment\n' "$name" >c.conf
		good 1
		name=${name//\\/\\\\}
		setting "$name to 5"
	done
	printf 'caf\xe9 5\n' >c.conf
	good 1
}

@test "-t -v: each rule in a line, with file and line" {
	mkdir c.conf.d
	config <<-'EOF'
		sshd -17
		java 5
		java 6 # again
		process jenkins {
			name = java
			cmdline = 'jenkins\.war|it\'s|\\\\'
			user = {root, 4711}
			oom_score_adj = 300
			containers = yes
		}
		process 'jenkins ' { oom_adj = 1 }
		process "tab\there \x2a" { oom_adj = 010 }
		process "${UNSET:-default}" { oom_adj = 1 }
		lowmemorykiller { adj = {1, 2} minfree = {3, 4} }
		reset_inherited = on
	EOF
	printf 'sshd -8\nprocess jenkins { oom_adj = 2 }\n' >c.conf.d/a.conf
	adjust -t -v -c c.conf
	status_is 0
	out_is "process 'sshd' { oom_adj = -17 } # c.conf:1
process 'java' { oom_adj = 5 } # c.conf:2
process 'java (c.conf:3)' { name = 'java' oom_adj = 6 } # c.conf:3
process 'jenkins' { name = 'java' cmdline = 'jenkins\.war|it\'s|\\\\\\\\' user = {0, 4711} oom_score_adj = 300 containers = true } # c.conf:4
process 'jenkins ' { oom_adj = 1 } # c.conf:11
process \"tab\\x09here \\x2a\" { oom_adj = 8 } # c.conf:12
process 'default' { oom_adj = 1 } # c.conf:13
process 'sshd (c.conf.d/a.conf:1)' { name = 'sshd' oom_adj = -8 } # c.conf.d/a.conf:1
process 'jenkins (c.conf.d/a.conf:2)' { name = 'jenkins' oom_adj = 2 } # c.conf.d/a.conf:2
lowmemorykiller { adj = {1, 2} minfree = {3, 4} }
reset_inherited = true
# c.conf: OK (9 rules)"
	same_again
	local LC_ALL=C.UTF-8
	echo 'süß 5' >c.conf
	rm -r c.conf.d
	adjust -t -v -c c.conf
	out_is "process 'süß' { oom_adj = 5 } # c.conf:1
# c.conf: OK (1 rule)"
	# What would be an error is escaped: an invisible character, ^ in front.
	printf 'process "\\x5emy\\xc2\\xadsql" { oom_adj = 5 }\n' >c.conf
	same_again
}

@test "-t -v: the shipped config and the script's" {
	local file
	for file in "$TOP/etc/oom_adjust.conf" \
		"$BATS_TEST_DIRNAME/reference.conf"; do
		install -m 644 "$file" c.conf
		same_again
	done
}

@test "-q says nothing of a short form that comes again" {
	printf '%s 5\n%s 5\n' "$MARK" "$MARK" >c.conf
	adjust -c c.conf
	status_is 0
	err_is "oom_adjust: c.conf:2: \"$MARK\" again: this rule replaces the one in line 1"
	adjust -q -c c.conf
	status_is 0
	err_is ""
}

# shellcheck disable=SC2016,SC1003 # not expanded
@test "a MiB of anything is read in no time" {
	local text size=1048576
	# A sanitizer's strstr(3) reads all of the text each time.
	[[ -z ${OOM_ADJUST_WRAPPED:-} ]] || size=65536
	for text in '"${' '${' "'" '"' '"\' '{' '}' '/*' '=' ',' 'a b c\n' \
		'process ' 'process a { x }\n' '(' '"" '; do
		perl -e '$t = shift; $t =~ s/\\n/\n/g;
			print substr($t x $ARGV[0], 0, $ARGV[0])' \
			"$text" "$size" >c.conf
		adjust_by timeout 60 -- -t -c c.conf
		[[ $status -le 1 ]] || complain "$text: status $status"
	done
}

@test "expressions match bytes in any locale" {
	config <<-EOF
		process a {
			name = $MARK
			cmdline = 'x.y'
			oom_adj = 5
		}
	EOF
	actor pid "$MARK" $'x\xc3\xa4y'
	LC_ALL=C.UTF-8 adjust -n -c c.conf
	status_is 0
	out_has "0 processes"
	kill_actor "$pid"
	actor pid "$MARK" $'x\xe4y'
	LC_ALL=C.UTF-8 adjust -n -c c.conf
	out_has "1 process: 1 would be changed"
}

@test "hidden files are no drop-ins" {
	mkdir c.conf.d
	config <<<'a 5'
	echo 'b x' >c.conf.d/.a.conf
	good 1
}

@test "the drop-in directory's owner and mode count too" {
	need_root
	mkdir c.conf.d
	config <<<"$MARK 5"
	chmod 775 c.conf.d
	adjust -t -c c.conf
	status_is 1
	err_is "oom_adjust: c.conf.d: writable by group or others; run: chmod go-w c.conf.d"
	chmod 755 c.conf.d
	chown 4711 c.conf.d
	adjust -t -c c.conf
	status_is 1
	err_is "oom_adjust: c.conf.d: owned by user id 4711; root must own it"
}

@test "owner and mode are those of the opened file" {
	need_root
	need_bare
	config <<<"$MARK 5"
	adjust_by strace -o log -e trace=file -- -t -c c.conf
	status_is 0
	[[ $(grep -c '^open.*"c\.conf"' log) -eq 1 &&
		$(grep -c '"c\.conf"' log) -eq 2 ]] || complain "$(<log)"
}

@test "the drop-in directory that was checked is the one that is read" {
	need_root
	need_bare
	local stopped
	mkdir c.conf.d other
	config <<<"a 5"
	echo "b 6" >c.conf.d/1.conf
	echo "c 7" >other/1.conf
	chmod 777 other
	# It stops when it lists the directory; then another takes the path.
	strace -f -o log -e trace=getdents64 \
		-e inject=getdents64:signal=SIGSTOP:when=1 \
		"$OOM_ADJUST" -t -v -c c.conf >out 2>err 3>&- &
	until stopped=$(grep 'stopped by SIGSTOP' log); do
		kill -0 $!
		sleep 0.1
	done 2>/dev/null
	mv c.conf.d checked
	mv other c.conf.d
	kill -CONT "${stopped%% *}"
	status=0
	wait $! || status=$?
	read_output
	status_is 0
	out_has "process 'b' { oom_adj = 6 } # c.conf.d/1.conf:1" "(2 rules)"
	out_lacks "'c'"
}

@test "a drop-in directory that cannot be listed" {
	need_bare
	mkdir c.conf.d
	config <<<"a 5"
	adjust_by strace -f -o log -e trace=getdents64 \
		-e inject=getdents64:error=EIO:when=1 -- -t -c c.conf
	status_is 1
	err_is "oom_adjust: c.conf.d: Input/output error"
}

@test "an unknown user spoils its own rule, not the next" {
	config <<-EOF
		process a {
			name = nosuch
			user = nosuchuser
			oom_adj = 5
		}
		process b {
			name = $MARK
			user = {$(id -u)}
			oom_adj = 5
		}
	EOF
	actor pid "$MARK"
	adjust -c c.conf
	status_is 2
	err_is 'oom_adjust: c.conf:3: there is no user "nosuchuser": this rule matches nothing'
	value_is "$pid" 294
}

@test "a drop-in without reset_inherited leaves it on, one with false not" {
	mkdir c.conf.d
	config <<<"reset_inherited = true"
	echo "a 5" >c.conf.d/a.conf
	adjust -t -v -c c.conf
	out_has "reset_inherited = true"
	echo "reset_inherited = false" >c.conf.d/b.conf
	adjust -t -v -c c.conf
	out_lacks "reset_inherited"
}

@test "lines after comments and strings of several lines" {
	printf '/* a\n b\n*/ a 5\nprocess b { cmdline = "x\ny" oom_adj = 1 } /*\n\n*/\nc x\n' >c.conf
	bad 8 '"x"'
	# What is seen before libconfuse has its turn, too.
	printf '/* a\n b\n*/ a 5\nb, 6\n' >c.conf
	bad 4 "write one NAME and an integer"
	printf '/* a\n b\n*/ a 5\n' >c.conf
	adjust -t -v -c c.conf
	out_has "} # c.conf:3"
}

@test "parentheses nested as deep as a file can have them" {
	local depth=1000000
	# A sanitizer copies a string each time that libconfuse makes it longer.
	[[ -z ${OOM_ADJUST_WRAPPED:-} ]] || depth=100000
	perl -e 'print "process a { oom_adj = 5 cmdline = \x27", "(" x shift,
		"\x27 }\n"' "$depth" >c.conf
	adjust -t -c c.conf
	status_is 1
	err_has "oom_adjust: c.conf:1: cmdline: " "more than 1000 characters"
	[[ ${#err} -lt 300 ]] || complain "a long message"
}
