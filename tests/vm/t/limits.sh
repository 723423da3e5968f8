# seconds: 180
# kernels: stable
# Too little memory, or too few descriptors: a clear error and nothing done, or
# all of it.

{
	echo "sshd -17"
	for ((i = 0; i < 300; i++)); do
		echo "daemon$i 5"
	done
	echo "process last { cmdline = '(a|b|la)+st( .*)?$' oom_adj = -17 }"
} | config
start sshd
sshd=$pid
start last
last=$pid

# try LIMIT STATUS: run under that limit of prlimit. Either all of the work must
# be done, or none of it, with STATUS and a message. 127 is the loader's status:
# the program did not run.
wrong=0 worked=0 refused=0
try() {
	local what
	echo 0 > "/proc/$sshd/oom_score_adj"
	echo 0 > "/proc/$last/oom_score_adj"
	as=(prlimit "$1")
	adjust -q
	what="$status $(adj "$sshd") $(adj "$last") ${err:+message}"
	case $what in
	"0 -1000 -1000 ") worked=$((worked + 1)) ;;
	"127 0 0 message") ;;
	"$2 0 0 message") refused=$((refused + 1)) ;;
	*)
		echo "$1: status and values: $what: ${err:0:200}"
		wrong=$((wrong + 1)) ;;
	esac
}

# From a limit with which it works down to one with which the loader fails.
size=32768
while [ "$size" -gt 2048 ]; do
	before=$worked
	try --as=$((size * 1024)) 1
	if [ "$worked" -gt "$before" ]; then
		size=$((size - 512))
	else
		[ "$status" -ne 127 ] || break
		size=$((size - 32))
	fi
done
echo "address space: $worked worked, $refused refused; last: $err"
is "address space: all or nothing" "$wrong" 0
check "address space: there was a limit that it ran into" [ "$refused" -gt 0 ]

wrong=0 worked=0 refused=0
for n in {4..12}; do
	try "--nofile=$n" 1
done
echo "descriptors: $worked worked, $refused refused"
is "descriptors: all or nothing" "$wrong" 0

# If no thread can be started, there is no deadline, but the work is done.
group=/sys/fs/cgroup/limits
echo +pids > /sys/fs/cgroup/cgroup.subtree_control
mkdir "$group"
echo 1 > "$group/pids.max"
echo 0 > "/proc/$sshd/oom_score_adj"
as=(bash -c "echo \$\$ > $group/cgroup.procs && exec \"\$@\"" bash)
adjust
is "no thread: status" "$status" 0
like "no thread: a warning" "$err" "^oom_adjust: "
is "no thread: one line of it" "$(wc -l <<< "$err")" 1
is "no thread: the value" "$(adj "$sshd")" -1000
