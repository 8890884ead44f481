#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs guest.sh under each kernel, one boot a kernel. Arguments select tests by a part of their
# names, which begin with vm/KERNEL. KERNELS: only these.

here=$(cd "$(dirname "$0")" && pwd)
KERNELS=${KERNELS:-5.10 6.1 6.12 6.18}

# may_match KERNEL WORD...: could a test of this kernel be selected?
may_match() {
	local kernel=$1 word name
	shift
	[ $# -gt 0 ] || return 0
	while read -r name; do
		for word in "$@"; do
			[[ vm/$kernel/$name == *"$word"* ]] && return 0
		done
	done < <(sed -n 's/^test_\([a-z0-9_]*\)() {$/\1/p' "$here/guest.sh")
	return 1
}

# run_guest KERNEL WORD...: its output in $output. Status 124: its time was up, 125: the guest itself failed.
run_guest() {
	local kernel=$1
	shift
	# A test whose time is up, or an agent that hangs, ends within the guest; this is for the guest,
	# which takes some 90 seconds on a machine that has nothing else to do.
	"$here/run-in-vm" --kernel "$kernel" --timeout 400 -- \
		env OBI_TEST_SLOWNESS=4 OBI_TEST_PREFIX="vm/$kernel" OBI="${OBI:-}" VERBOSE="${VERBOSE:-}" \
		bash "$here/guest.sh" "$@" >"$output" 2>&1
}

has_results() {
	grep -qE '^(ok|FAIL|skip) ' "$output"
}

# Over an instruction that was being patched: a breakpoint that is nobody's.
has_tripped() {
	[ $status = 125 ] && grep -qE '(^|[^a-z])int3: ' "$output"
}

for kernel in $KERNELS; do
	may_match "$kernel" "$@" || continue
	if [ "$(uname -m)" != x86_64 ]; then
		echo "skip vm/$kernel (guests are for x86-64 hosts)"
		continue
	fi
	if [ "$(id -u)" != 0 ]; then
		echo "skip vm/$kernel (needs root: guests read the host's files)"
		continue
	fi
	if ! why=$("$here/run-in-vm" --fetch "$kernel" 2>&1); then
		echo "skip vm/$kernel ($(tail -n 1 <<<"$why"))"
		continue
	fi
	if ! command -v qemu-system-x86_64 >/dev/null; then
		echo "skip vm/$kernel (needs qemu-system-x86)"
		continue
	fi
	output=$(mktemp)
	# Emulated CPUs now and then trip over the kernel as it patches itself, while it boots above all:
	# the guest ends or stands still. What stands still because of what is tested does so each time. What
	# a guest told before it tripped in that way is told by the next one again; any other end counts.
	for try in 1 2 3; do
		status=0
		run_guest "$kernel" "$@" || status=$?
		if [ $status = 0 ] || { has_results && ! has_tripped; } || [ $try = 3 ]; then
			break
		fi
		grep -vE '^(ok|FAIL|skip) ' "$output"
		echo "vm/$kernel: the guest came to no result, status $status (try $try of 3)"
	done
	cat "$output"
	case $status in
	0) has_results || echo "FAIL vm/$kernel (no test ran)" ;;
	124) echo "FAIL vm/$kernel (the guest took too long)" ;;
	*) echo "FAIL vm/$kernel (the guest failed)" ;;
	esac
	rm -f "$output"
done
