# machine: host
# seconds: 200
# Four processes of a user, with as many arguments as the kernel allows, and an
# expression that takes long to search them: the daemon that comes after them
# gets its value all the same. Needs no negative value, so no guest either.

# -jar again and again; one argument can have 128 KB.
printf -v word '%13000s' ''
word=${word// /-jar }
for ((i = 0; i < 4; i++)); do
	start "vm$$-java" idle -u 1000,1000,1000 -- \
	    "$word" "$word" "$word" "$word"
	is "260 KB of arguments" \
	    "$(($(wc -c < "/proc/$pid/cmdline") / 1000))" 260
done
start "vm$$-java" idle -- -Xmx1g -jar /srv/jenkins.war
jenkins=$pid
start "vm$$-daemon"
daemon=$pid

config <<END
vm$$-daemon 10
process vm$$-java {
	cmdline = '-jar .*jenkins\.war'
	oom_adj = 5
}
END
before=$SECONDS
adjust
echo "the run took $((SECONDS - before)) seconds"
is "status" "$status" 0
is "no message" "$err" ""
is "the daemon after them" "$(adj "$daemon")" 588
is "the one that is meant" "$(adj "$jenkins")" 294
