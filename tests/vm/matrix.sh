#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs guest.sh under each kernel, one boot a kernel. Arguments select tests by a part of their
# names, which begin with vm/KERNEL.

here=$(cd "$(dirname "$0")" && pwd)
KERNELS="5.10 6.1 6.12 6.18"

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
	# A test whose time is up, or an agent that hangs, ends within the guest; this is for the guest.
	output=$(mktemp)
	"$here/run-in-vm" --kernel "$kernel" --timeout 600 -- \
		env OBI_TEST_SLOWNESS=4 OBI_TEST_PREFIX="vm/$kernel" OBI="${OBI:-}" VERBOSE="${VERBOSE:-}" \
		bash "$here/guest.sh" "$@" 2>&1 | tee "$output"
	case ${PIPESTATUS[0]} in
	0) grep -qE '^(ok|FAIL|skip) ' "$output" || echo "FAIL vm/$kernel (no test ran)" ;;
	124) echo "FAIL vm/$kernel (the guest took too long)" ;;
	*) echo "FAIL vm/$kernel (the guest failed)" ;;
	esac
	rm -f "$output"
done
