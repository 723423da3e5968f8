# seconds: 240
# memory: 384
# The kernel's reports as -k reads them: who used the memory, and a victim whose
# name has a line of its own.

# What watches has to stay.
echo -1000 > /proc/$$/oom_score_adj

# hog NAME MB
hog() {
	start "$1" idle -c "$1" -m "$2"
	echo 0 > "/proc/$pid/oom_score_adj"
	within 20 uses_mb "$pid" "$2"
}

# killed PID: the kernel's report of that is complete.
killed() {
	dmesg | grep -q "Killed process $1 (.*"
}

# Three commands that use the most, one of them in several processes, none of
# which is the victim or the first by itself.
hog mysqld 70
for i in 1 2 3 4; do
	hog apache2 15
done
hog java 30
hog sshd 20
hog victim 5
echo 1000 > "/proc/$pid/oom_score_adj"
dmesg -c > /dev/null
echo f > /proc/sysrq-trigger
check "one is killed" within 20 killed "$pid"
config <<< "sshd -17"
adjust -k
is "-k: status" "$status" 0
like "-k: the victim" "$out" " oom +$pid +victim "
like "-k: who used the memory" "$out" \
    "mysqld 7[0-9](\.[0-9])?M, apache2 6[0-9](\.[0-9])?M in 4 processes, java 3[0-9](\.[0-9])?M"
dmesg > log
adjust -k log
like "dmesg's text: who used the memory" "$out" \
    "mysqld 7[0-9](\.[0-9])?M, apache2 6[0-9](\.[0-9])?M in 4 processes, java 3[0-9](\.[0-9])?M"
adjust -k -J log
biggest=$(tr -d '\n' <<< "$out" | sed 's/.*"biggest"//')
like "-J: who used the memory" "$biggest" "mysqld.*apache2.*java"
unlike "-J: those three alone" "$biggest" "mysqld.*(sshd|victim).*java"
stop_all

# A process names itself; the kernel prints that as it is.
group=/sys/fs/cgroup/report
echo +memory > /sys/fs/cgroup/cgroup.subtree_control
mkdir "$group"
echo $((16 << 20)) > "$group/memory.max"
start lines idle -w -c $'a\nb' -m 100
echo "$pid" > "$group/cgroup.procs"
echo 500 > "/proc/$pid/oom_score_adj"
dmesg -c > /dev/null
tell "$pid"
check "it is killed" within 30 killed "$pid"
within 20 gone "$pid"
# killed_lines NAME: the row of that kill, for like.
killed_lines() {
	echo "^ *[0-9.: ]+ memcg +$pid +$1 +0 +1[0-9.]+M +500( |$)"
}

adjust -k
is "a name with a newline: status" "$status" 0
like "a name with a newline: the kill is found" "$out" \
    "$(killed_lines 'a\\(n|\^J|012)b')"
# In a text it may as well have been broken by a mail program.
dmesg > log
adjust -k log
like "a name with a newline, dmesg's text: the kill is found" "$out" \
    "$(killed_lines 'a( |\\(n|\^J|012))b')"
is "a name with a newline, dmesg's text: once" \
    "$(grep -c " memcg *$pid " <<< "$out")" 1
