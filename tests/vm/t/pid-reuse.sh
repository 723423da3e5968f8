# The process that matched is the process that is written: wherever between the
# two it ends and a stranger gets its PID, the stranger is not changed.
config <<'END'
process reused { oom_score_adj = 500 }
END
figures=$(pidreuse "$(command -v oom_adjust)" -q -c "$conf")
is "status" "$?" 0
echo "$figures"
like "stopped before the value was written" "$figures" "^window ([3-9]|..)"
like "no stranger was changed" "$figures" "^strangers 0$"
like "every run succeeded" "$figures" "^failures 0$"

figures=$(pidreuse -p "$(command -v oom_adjust)" -q -c "$conf")
echo "$figures"
unlike "with the path in place of the descriptor some would be" "$figures" \
    "^strangers 0$"
