#!/usr/bin/env bats
# The README's sample output is what the program prints.

load common

@test "README's samples are up to date (tests/readme makes them)" {
	[[ -z ${OOM_ADJUST_WRAPPED:-} ]] ||
		skip "NOT RUN: shown by the program as it is"
	"$TOP/tests/readme" >README
	diff "$TOP/README" README
}

@test "README has at most 160 lines" {
	[[ $(wc -l <"$TOP/README") -le 160 ]]
}
