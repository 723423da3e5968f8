#!/bin/sh
# What an administrator's script would do with the same config, a rule at a
# time: two cut to take the line apart, one pidof, one loop over its answer.
# usage: baseline.sh FILE

while read -r line; do
	case $line in
	'' | '#'*) continue ;;
	esac
	name=$(echo "$line" | cut -d ' ' -f 1)
	value=$(echo "$line" | cut -d ' ' -f 2)
	echo "  $name: $value"
	for pid in $(pidof "$name"); do
		echo "$value" >"/proc/$pid/oom_adj"
	done
done <"$1"
