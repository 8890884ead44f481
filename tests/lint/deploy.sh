#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The cross build, the release, and what deploy/ offers: that it is well-formed, and that the agent
# works with what it grants.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

# These build everything anew, on a machine that may be busy.
declare -A LIMIT=([test_arm64_cross_build]=600 [test_release_installs]=600)

cd "$ROOT"

test_arm64_cross_build() {
	local obi=build/arm64/obi emulator=(qemu-aarch64-static -L build/arm64/sysroot)
	need aarch64-linux-gnu-gcc file
	[ -e build/arm64/sysroot/.packages ] || skip "no arm64 libraries: make arm64-packages"
	make -s -j"$(nproc)" ARCH=arm64
	file -b $obi | tee "$SCRATCH/kind"
	assert_line "$SCRATCH/kind" '^ELF 64-bit LSB .*ARM aarch64'
	need "${emulator[0]}"
	"${emulator[@]}" $obi --version | tee "$SCRATCH/version"
	assert_line "$SCRATCH/version" "^obi $(cat VERSION)$"
	"${emulator[@]}" $obi config --schema >"$SCRATCH/schema"
	bin/obi config --schema | cmp - "$SCRATCH/schema"
}

test_release_installs() {
	make -s -j"$(nproc)" install DESTDIR="$SCRATCH/root" PREFIX=/usr
	cd "$SCRATCH/root/usr"
	assert_eq 750 "$(stat -c %a bin/obi)" "mode of the program"
	assert_line lib/sysusers.d/obi.conf '^g obi'
	assert_le "$(stat -c %s bin/obi)" 1600000 "bytes of the release"
	bin/obi config --schema | cmp - "$ROOT/docs/config.schema.json"
	[ -s share/man/man1/obi.1 ] || fail "no man page"
	assert_line lib/systemd/system/obi.service '^ExecStart=/usr/bin/obi$'
	assert_line lib/systemd/system/obi-network.service '^ExecStart=/usr/bin/obi$'
}

test_units_are_valid() {
	local unit
	need systemd-analyze
	for unit in obi obi-network; do
		# It looks for the program, too.
		sed "s,^ExecStart=.*,ExecStart=$ROOT/bin/obi," deploy/$unit.service >"$SCRATCH/$unit.service"
		systemd-analyze verify --man=no "$SCRATCH/$unit.service" 2>&1 | tee "$SCRATCH/said"
		[ ! -s "$SCRATCH/said" ] || fail "systemd finds fault with $unit.service"
	done
}

test_manifests_are_yaml() {
	$PYTHON -c 'import yaml' 2>/dev/null || skip "needs python3-yaml"
	$PYTHON - <<'END'
import yaml

pod = yaml.safe_load(open("deploy/k8s-daemonset.yaml"))["spec"]["template"]["spec"]
container = pod["containers"][0]
assert pod["hostPID"] is True and pod["hostNetwork"] is True, pod
assert all(isinstance(one["value"], str) for one in container["env"]), container["env"]
capabilities = container["securityContext"]["capabilities"]

service = yaml.safe_load(open("deploy/docker-compose.yaml"))["services"]["obi"]
assert service["pid"] == service["network_mode"] == "host", service
assert service["cap_drop"] == capabilities["drop"] == ["ALL"], service
assert service["cap_add"] == capabilities["add"], service
assert service["image"] == container["image"], service
END
}

# start_granted CAPABILITY,... USER NAME=VALUE...: with these in all five sets and no others, and
# with no_new_privs, as a service manager starts it.
start_granted() {
	local caps user=$2
	caps=$(tr 'A-Z ' 'a-z,' <<<"$1" | sed 's/cap_//g; s/^/+/; s/,/,+/g')
	shift 2
	copy_agent "" "$SCRATCH/obi"
	LOG=$SCRATCH/log
	setpriv --reuid "$user" --regid "$user" --clear-groups --inh-caps=-all,"$caps" \
		--ambient-caps=-all,"$caps" --bounding-set=-all,"$caps" --no-new-privs \
		env -i PATH=/usr/bin:/bin "$@" "$SCRATCH/obi" >"$LOG" 2>&1 &
	AGENT=$!
	defer stop $AGENT
	defer show "$LOG"
}

# It sees a request of nginx, and warns of nothing.
see_a_request() {
	application_ready "$(children "$NGINX")"
	curl -sS -o /dev/null "http://127.0.0.1:8080/granted"
	expect_spans 1 type=HTTP method=GET path=/granted status=200
	stop_agent
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
}

serve() {
	need nginx curl
	start_nginx 'server { listen 8080; location / { return 200 "hello"; } }'
}

test_unit_grants_enough() {
	local unit=deploy/obi.service caps variables
	serve
	caps=$(sed -n 's/^AmbientCapabilities=//p' $unit)
	mapfile -t variables < <(sed -n 's/^Environment=//p' $unit)
	start_granted "$caps" $AGENT_UID "${variables[@]}" OTEL_EBPF_TRACE_PRINTER=text
	see_a_request
}

test_network_unit_grants_enough() {
	local unit=deploy/obi-network.service caps variables
	caps=$(sed -n 's/^AmbientCapabilities=//p' $unit)
	mapfile -t variables < <(sed -n 's/^Environment=//p' $unit)
	start_granted "$caps" $AGENT_UID "${variables[@]}"
	network_ready
	stop_agent
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
}

# The container's user is root, for whom the bounding set decides.
test_container_grants_enough() {
	local manifest=deploy/k8s-daemonset.yaml caps variables
	serve
	caps=$(sed -n 's/^ *add: \[\(.*\)\]$/\1/p' $manifest | sed 's/, / /g')
	mapfile -t variables < <(sed -n '/^ *- name: OTEL/{s/.*: //;N;s/\n *value: "\(.*\)"$/=\1/;p}' $manifest)
	assert_ge "${#variables[@]}" 2 "variables of $manifest"
	start_granted "$caps" 0 "${variables[@]}" OTEL_EBPF_TRACE_PRINTER=text
	see_a_request
}

run_tests "$@"
