#!/bin/sh
# Do what an administrator's script would do with the same config, rule by rule:
# two cut to split the line, one pidof, one loop over what it prints.
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
