# memory: 384
# swap: 256
# seconds: 480
# -l has the kernel's order: the kernel kills its first row first, however its
# memory is divided between RAM and swap; with -n, the first row after a run.

# The test itself must not be killed.
echo -1000 > /proc/$$/oom_score_adj
modprobe virtio_pci
modprobe virtio_blk
within 10 test -b /dev/vda
mkswap /dev/vda > /dev/null
swapon /dev/vda
total=$(awk '/^(MemTotal|SwapTotal)/ { sum += $2 } END { print sum }' /proc/meminfo)

# hog NAME VALUE MB [MB]: so much memory, so much of it in swap.
hog() {
	start "$1" idle -m "$3" -o "${4:-0}"
	echo "$2" > "/proc/$pid/oom_score_adj"
	name_of[$pid]=$1
	within 20 takes_mb "$pid" "$3" "${4:-0}" || echo "$1: never took its memory"
}

takes_mb() {
	awk -v mb="$2" -v out="$3" '
	/^Vm(RSS|Swap)/ { sum += $2 }
	/^VmSwap/ { swap = $2 }
	END { exit sum < mb * 1024 || swap < out * 1000 }' "/proc/$1/status"
}

# more MB: the lowest value that weighs more than so many megabytes.
more() {
	echo $((($1 * 1024 + 300) * 1000 / total + 1))
}

first() {
	awk 'NR == 2 { print $1 }' <<< "$out"
}

# strike: let the kernel kill one, in $victim.
strike() {
	dmesg -c > /dev/null
	echo f > /proc/sysrq-trigger
	within 20 find_victim
}

find_victim() {
	victim=$(dmesg | sed -n 's/.*Killed process \([0-9]*\).*/\1/p')
	[ -n "$victim" ]
}

# round WHAT WANTED: -l names who is killed, and it is the one that is wanted.
declare -A name_of thread_of
round() {
	adjust -l
	strike
	victim=${thread_of[$victim]:-$victim}
	is "$1: the kernel kills the one that is first" "$victim" "$(first)"
	like "$1: that is $2" "${name_of[$victim]}" "^$2$"
	stop_all
	name_of=()
}

: | config
hog small 0 20
hog big 0 30
hog middle 0 25
round "sizes" big

hog ram 0 30
hog swapped 0 32 28
hog small 0 24
round "swap counts" swapped

# A value counts in thousandths of RAM and swap together.
for mb in 2 5 8; do
	hog plain 0 $((20 + mb)) 4
	hog valued "$(more "$mb")" 20
	hog swapped "$(($(more "$mb") - 2))" 20 10
	round "$mb MB and a value" valued
done

# More than ten have the same score, and the worst of them has the least in RAM.
pids=()
for ((i = 0; i < 12; i++)); do
	hog "tied$i" 0 14
	pids+=("$pid")
done
hog worst 0 14 13

# tie VALUE: with this value, and one more for the worst, their scores are
# equal.
tie() {
	local tied
	for tied in "${pids[@]}"; do
		echo "$1" > "/proc/$tied/oom_score_adj"
	done
	echo $(($1 + 1)) > "/proc/$pid/oom_score_adj"
	[ "$(cat "/proc/$pid/oom_score")" = "$(cat "/proc/$tied/oom_score")" ]
}
tie 0 || tie 1 || check "thirteen that tie" tie 2
round "thirteen that tie" worst

# What is first after a run is known before it.
config <<'END'
process biggest { oom_score_adj = -20 }
process second { oom_score_adj = 12 }
process third { oom_score_adj = 0 }
END

# run_round WHAT WANTED
run_round() {
	local foreseen
	adjust -l -n
	is "$1: -l -n: status" "$status" 0
	foreseen=$(first)
	is "$1: nothing is changed by it" "$(adj "$pid")" "$before"
	adjust
	is "$1: the run: status" "$status" 0
	adjust -l
	is "$1: -l says the same after the run" "$(first)" "$foreseen"
	round "$1" "$2"
}

before=0
hog biggest 0 32
hog second 0 26
hog third 0 27 10
run_round "a run between" second
hog biggest 0 60 20
hog third 0 30
hog second 0 20 20
run_round "a run between, other sizes" biggest
before=100
hog second 0 10
hog biggest 0 20
hog third 100 25 5
run_round "a run that lowers a value" third

# The kernel kills a thread group whose main thread has ended like any other.
: | config
start headless idle -w -e -m 200
echo 0 > "/proc/$pid/oom_score_adj"
name_of[$pid]=headless
tell "$pid"
check "the main thread ends" within 20 grep -q '^State:.Z' "/proc/$pid/status"
# The kernel's report has the thread that is left.
for thread in "/proc/$pid"/task/*; do
	thread_of[${thread##*/}]=$pid
done
hog other 0 40
round "a group without its main thread" headless
