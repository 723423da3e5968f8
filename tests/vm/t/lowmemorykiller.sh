# The lowmemorykiller step, with a module that has the same parameters.

module=/vm/lowmemorykiller.ko
parameters=/sys/module/lowmemorykiller/parameters
config <<'END'
sshd -17
lowmemorykiller { }
END

adjust -v
is "not loaded: status" "$status" 0
like "not loaded: mentioned with -v" "$out" "^  lowmemorykiller is not loaded$"
adjust
unlike "not loaded: not mentioned without" "$out" "lowmemorykiller"

if [ ! -e "$module" ]; then
	skip "the module" "it could not be built"
	return
fi

# values: the two parameters.
values() {
	cat "$parameters/adj" "$parameters/minfree" | tr '\n' ' '
}

insmod "$module"
is "loaded: the kernel has its values" "$(values)" "0,1,6,12 1536,2048,4096,16384 "
adjust -n
like "dry run: says what it would do" "$out" "lowmemorykiller"
is "dry run: writes nothing" "$(values)" "0,1,6,12 1536,2048,4096,16384 "
adjust sshd
is "with a NAME: left out" "$(values)" "0,1,6,12 1536,2048,4096,16384 "
adjust
is "loaded later: status" "$status" 0
is "loaded later: no message" "$err" ""
like "loaded later: reported" "$out" "^  Disabling lowmemorykiller \(adj 9999, minfree 1\)$"
is "loaded later: values" "$(values)" "9999 1 "
adjust
is "again: status" "$status" 0
is "again: values" "$(values)" "9999 1 "

rmmod lowmemorykiller
adjust
is "unloaded: status" "$status" 0
unlike "unloaded: not mentioned" "$out" "lowmemorykiller"

# As many as the kernel takes, and negative ones.
config <<'END'
lowmemorykiller {
	adj = {-1000, -1, 0, 1, 588, 1000}
	minfree = {1, 1536, 2048, 4096, 16384, 1000000}
}
END
insmod "$module"
adjust
is "six: status" "$status" 0
like "six: reported" "$out" "^  Setting lowmemorykiller \(adj -1000,-1,0,1,588,1000, minfree 1,1536,2048,4096,16384,1000000\)$"
is "six: values" "$(values)" "-1000,-1,0,1,588,1000 1,1536,2048,4096,16384,1000000 "

# Equal values are not written: nothing fails if the file cannot be written.
mount -o bind "$parameters/adj" "$parameters/adj"
mount -o bind "$parameters/minfree" "$parameters/minfree"
mount -o remount,bind,ro "$parameters/adj"
mount -o remount,bind,ro "$parameters/minfree"
adjust
is "equal: status" "$status" 0
is "equal: no message" "$err" ""
umount "$parameters/minfree"

# adj is read-only: minfree, which alone would be dangerous, is not written.
config <<'END'
lowmemorykiller { }
END
adjust
is "adj read-only: status" "$status" 2
like "adj read-only: message" "$err" "^oom_adjust: .*adj.*Read-only file system"
like "adj read-only: nothing written" "$(values)" "^-1000,.* 1,1536,"
umount "$parameters/adj"

mount -o remount,ro /sys
adjust
is "/sys read-only: status" "$status" 2
like "/sys read-only: message" "$err" "Read-only file system"
mount -o remount,rw /sys
adjust
is "writable again: status" "$status" 0
is "writable again: values" "$(values)" "9999 1 "
