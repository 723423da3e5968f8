#!/usr/bin/env bats
# Completion: what bash and zsh offer, and that a config is never run.

# Most strings here must not be expanded.
# shellcheck disable=SC2016

load common

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export LC_ALL=C
	umask 022
	cat >conf <<-'END'
		# ghost 3
		sshd -17
		  named	-8 # a comment
		/usr/sbin/nginx 0
		process jenkins {
			name = "java"
			oom_score_adj = 300
		}
		process "Web Content" { name = 'web' oom_adj = 3 }
		lowmemorykiller { adj = {9999} }
	END
	mkdir conf.d
	echo 'dropin 3' >conf.d/a.conf
	echo 'notread 3' >conf.d/a.conf.bak
}

# complete WORD ...: print what bash offers for the last WORD, one per line.
complete() {
	bash --norc --noprofile -c '
		. "$TOP/etc/oom_adjust.bash-completion"
		COMP_WORDS=("$OOM_ADJUST" "$@")
		COMP_CWORD=$#
		_oom_adjust 2>/dev/null
		((${#COMPREPLY[@]} == 0)) || printf "%s\n" "${COMPREPLY[@]}"
	' bash "$@" | sort
}

@test "bash: the command has a completion" {
	run bash --norc --noprofile -c \
	    '. "$TOP/etc/oom_adjust.bash-completion"; complete -p oom_adjust'
	[ "$status" -eq 0 ]
	[[ $output == *"-F _oom_adjust"* ]]
}

@test "bash: options" {
	[ "$(complete --dry)" = --dry-run ]
	[ "$(complete --ti)" = --timeout ]
	[ "$(complete -c conf --l)" = --list ]
}

@test "bash: every option of --help, and no other" {
	complete -- | grep -e '^--' | sort >offered
	"$OOM_ADJUST" --help | grep -oE -e '--[a-z][a-z-]+' | sort -u >known
	diff known offered
}

@test "bash: names of rules, titles, drop-ins" {
	[ "$(complete -c conf '')" = '/usr/sbin/nginx
Web\ Content
dropin
java
jenkins
named
sshd
web' ]
	[ "$(complete -c conf j)" = 'java
jenkins' ]
	[ "$(complete -l -c conf ssh)" = sshd ]
	[ "$(complete -nc conf ssh)" = sshd ]
}

@test "bash: --config=FILE, as one word and as three" {
	[ "$(complete --config=conf na)" = named ]
	[ "$(complete --config = conf na)" = named ]
	[ "$(complete --config conf na)" = named ]
}

@test "bash: every name offered is one that the program takes" {
	local name offered=0

	install -m 644 conf config
	while IFS= read -r name; do
		run bash -c "\"\$OOM_ADJUST\" -n -c config $name"
		[ "$status" -eq 0 ] ||
			[[ $output == *"rules by path are incomplete"* ]]
		offered=$((offered + 1))
	done < <(complete -c config '')
	[ "$offered" -eq 7 ]
}

@test "bash: a word in quotes" {
	[ "$(complete -c conf '"Web')" = 'Web Content' ]
	[ "$(complete -c conf "'ssh")" = sshd ]
}

@test "bash: files for -c, files for -k, directories for --proc" {
	[ "$(complete -c con)" = 'conf
conf.d' ]
	[ "$(complete --config = con)" = 'conf
conf.d' ]
	[ "$(complete -k con)" = 'conf
conf.d' ]
	[ "$(complete --kills -J con)" = 'conf
conf.d' ]
	[ "$(complete --proc con)" = conf.d ]
}

@test "bash: nothing after -t, and for --timeout" {
	[ -z "$(complete -t -c conf '')" ]
	[ -z "$(complete --timeout '')" ]
}

@test "bash: --color" {
	[ "$(complete --color = '')" = 'always
auto
never' ]
	[ "$(complete --color=n)" = never ]
}

@test "bash: no config, a FIFO, a directory: nothing, at once" {
	mkfifo fifo
	[ -z "$(complete -c nonexistent '')" ]
	[ -z "$(timeout 10 bash -c "$(declare -f complete)"'
	    complete -c fifo ""')" ]
	[ -z "$(complete -c conf.d '')" ]
}

# Nothing in a config, or in its name, is ever run.
@test "bash: a hostile config is text" {
	cat >hostile <<-'END'
		$(touch>pwned) 3
		`touch>pwned` 3
		x;touch<pwned 3
		process '$(touch${IFS}pwned)' { oom_adj = 3 }
		$HOME 3
		process "$(touch pwned)" { oom_adj = 3 }
		process '`touch pwned`' { oom_adj = 3 }
		process "a\"; touch pwned #" { oom_adj = 3 }
		process "it's\\a" { oom_adj = 3 }
	END
	# What is inserted on the command line must mean the name and nothing else.
	while IFS= read -r word; do
		bash -c "printf '%s\n' $word"
	done < <(complete -c hostile '') >words
	[ ! -e pwned ]
	grep -qxF '$(touch pwned)' words
	grep -qxF '`touch pwned`' words
	grep -qxF 'a"; touch pwned #' words
	grep -qxF '$HOME' words
	grep -qxF "it's\\a" words
	[ -z "$(complete -c hostile '"$(')" ]
	complete -c '$(touch pwned)' ''
	[ ! -e pwned ]
}

@test "zsh: names and options" {
	need_program zsh
	zsh -n "$TOP/etc/_oom_adjust"
	cat >drive <<-'END'
		zmodload zsh/zpty || exit 77
		zpty z 'PATH=${OOM_ADJUST:h}:$PATH TERM=dumb zsh -f'
		zpty -w z 'autoload -Uz compinit; fpath=($TOP/etc $fpath)'
		zpty -w z 'compinit -u -D; PS1=; LISTMAX=1000; print rea""dy'
		zpty -r -m z out '*ready*'
		zpty -n -w z $'oom_adjust -c conf ssh\t'
		zpty -r -m z out '*sshd*' && print names
		zpty -n -w z $'\x15oom_adjust --dry\t'
		zpty -r -m z out '*-run*' && print options
		zpty -d z
	END
	run timeout 30 zsh -f drive
	echo "$output"
	[ "$status" -ne 77 ] || skip "NOT RUN: zsh has no zpty"
	[ "$status" -eq 0 ]
	[[ $output == *names*options* ]]
}
