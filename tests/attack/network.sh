#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Other tools on the same interfaces, and packets that nobody expects.
#
#   the attack                          before                           now
#   another tool's filter under the     gone at the agent's stop, with   stays
#   qdisc that the agent made           the qdisc
#   a second agent                      replaced the first's filter      both count
#   the filter of a killed agent        taken over, whoever's it was     deleted, where its agent is gone
#   a filter or program that decides    flows missing, nothing said      a warning at attach
#   before the agent's
#   an ordinary user holds all names    -                                the agent counts all the same
#   that agents tell their filters by
#   several VLAN tags                   "not IP"                         flows
#   an XDP program                      packets missing, nothing said    a warning at attach and later
#   an EtherType that lies of IP's      flows of zeros                   malformed
#   version

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

flows_by_tc() {
	start_agent "$CAPS_NETWORK_TC" OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_NETWORK_PRINT_FLOWS=1 \
		OTEL_EBPF_NETWORK_SOURCE=tc OTEL_EBPF_NETWORK_CACHE_ACTIVE_TIMEOUT=300ms \
		OTEL_EBPF_NETWORK_INTERFACES=veth0 "$@"
	network_ready
}

flows_by_clsact() {
	flows_by_tc OTEL_EBPF_BPF_TC_BACKEND=tc
}

# filters POINT: how many BPF filters veth0 has there.
filters() {
	tc filter show dev veth0 "$1" | grep -c 'bpf.*handle 0x' || true
}

# A firewall's program, of sections for tc and for XDP.
compile_firewall() {
	need clang tc
	cat >"$SCRATCH/firewall.c" <<-'END'
		#define SEC(x) __attribute__((section(x), used))
		SEC("shot") int drop(void *c) { return 2; } /* TC_ACT_SHOT */
		SEC("ok") int accept(void *c) { return 0; } /* TC_ACT_OK */
		SEC("xdp") int pass(void *c) { return 2; } /* XDP_PASS */
		struct md { unsigned data, end; };
		SEC("xdp_drop") int drop_7002(struct md *c) /* of UDP over IPv4 */
		{
			unsigned char *p = (void *)(long)c->data;
			if (p + 38 > (unsigned char *)(long)c->end || p[23] != 17)
				return 2;
			return (p[36] << 8 | p[37]) == 7002 ? 1 : 2; /* XDP_DROP */
		}
		char text[] SEC("license") = "GPL";
	END
	clang -O2 -target bpf -c "$SCRATCH/firewall.c" -o "$SCRATCH/firewall.o" ||
		skip "clang makes no BPF programs"
}

add_filter() { # PREF SECTION
	tc filter add dev veth0 ingress pref "$1" bpf da obj "$SCRATCH/firewall.o" sec "$2" 2>/dev/null ||
		skip "tc attaches no BPF programs here"
}

send_word() { # PORT
	echo word >"/dev/udp/10.77.0.2/$1"
}

test_the_filter_of_another_tool_stays() {
	compile_firewall
	begin_peer veth0
	flows_by_clsact
	add_filter 1 shot
	stop_agent
	assert_eq 1 "$(filters ingress)" "the firewall's filters"
	tc qdisc show dev veth0 | grep -q clsact || fail "the qdisc went"
}

test_the_qdisc_goes_where_nobody_uses_it() {
	need tc
	begin_peer veth0
	flows_by_clsact
	stop_agent
	! tc qdisc show dev veth0 | grep clsact || fail "the qdisc stays"
	tc qdisc add dev veth0 clsact
	flows_by_clsact
	stop_agent
	tc qdisc show dev veth0 | grep -q clsact || fail "another's qdisc went"
}

test_two_agents_count_side_by_side() {
	local first first_log
	need tc
	begin_peer veth0
	flows_by_clsact
	first=$AGENT first_log=$LOG
	flows_by_clsact
	assert_eq 2 "$(filters egress)" "filters of two agents"
	send_word 7001
	assert_line "$first_log" 'dst.port=7001' 5
	assert_line "$LOG" 'dst.port=7001' 5
	AGENT=$first stop_agent
	assert_eq 1 "$(filters egress)" "filters of one agent"
	send_word 7002
	assert_line "$LOG" 'dst.port=7002' 5
	stop_agent
	assert_eq 0 "$(filters egress)" "filters of none"
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
}

# Of three agents the second is killed: the next to start deletes its filters, and no others.
test_what_a_killed_agent_left_is_deleted() {
	local kept killed
	need tc
	begin_peer veth0
	flows_by_clsact
	kept=$AGENT kept_log=$LOG
	flows_by_clsact
	killed=$AGENT
	flows_by_clsact
	stop_agent
	kill -KILL "$killed"
	wait_until 5 has_ended "$killed"
	AGENT=$kept LOG=$kept_log stop_agent
	assert_eq 1 "$(filters egress)" "filters after a kill"
	flows_by_clsact
	assert_line "$LOG" 'deleted a filter that an agent left behind.* direction=egress'
	assert_eq 1 "$(filters egress)" "filters of the one that runs"
	send_word 7001
	assert_line "$LOG" 'dst.port=7001' 5
	stop_agent
	assert_eq 0 "$(filters egress)" "filters at the end"
	assert_eq 0 "$(filters ingress)" "filters at the end"
}

test_who_decides_before_us_is_said() {
	compile_firewall
	begin_peer veth0
	tc qdisc add dev veth0 clsact
	add_filter 1 ok
	add_filter 500 shot # behind ours: it hides nothing
	flows_by_clsact
	assert_line "$LOG" 'level=WARN .*others decide on packets .*interface=veth0 direction=ingress filters=1 pref=1 '
	assert_no_line "$LOG" 'level=WARN .*direction=egress'
	stop_agent
	assert_eq 2 "$(filters ingress)" "filters of others"
}

# Names of killed agents cannot be told then, which costs nothing else.
test_names_that_a_user_holds_stop_nobody() {
	need tc
	begin_peer veth0
	setpriv --reuid 61002 --regid 61002 --clear-groups $PYTHON -c '
import socket, time
held = []
for i in range(64):
    held.append(socket.socket(socket.AF_UNIX))
    held[-1].bind(b"\0obi-tc-%08x" % (0x0b100000 + i))
time.sleep(60)' &
	defer stop $!
	sleep 0.5
	flows_by_clsact
	first=$AGENT
	flows_by_clsact
	send_word 7001
	assert_line "$LOG" 'dst.port=7001' 5
	assert_eq 2 "$(filters egress)" "filters of two agents"
	assert_line "$LOG" 'level=WARN .*a filter like those of this agent .*interface=veth0'
	stop_agent
	AGENT=$first stop_agent
	assert_eq 0 "$(filters egress)" "filters at the end"
}

attach_xdp() { # SECTION
	ip link set dev veth0 xdpgeneric obj "$SCRATCH/firewall.o" sec "$1" 2>/dev/null ||
		skip "no XDP program can be attached here"
}

xdp_warnings() {
	grep -c 'level=WARN msg="an XDP program decides on packets before .* interface=veth0$' "$LOG" || true
}

# beside_xdp SECTION SOURCE: what it lets through is counted, what it drops is not, and the log says so.
beside_xdp() {
	local caps=$CAPS_NETWORK
	[ "$2" = tc ] && caps=$CAPS_NETWORK_TC
	compile_firewall
	begin_peer veth0
	attach_xdp "$1"
	start_agent "$caps" OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_NETWORK_PRINT_FLOWS=1 \
		OTEL_EBPF_NETWORK_SOURCE="$2" OTEL_EBPF_NETWORK_CACHE_ACTIVE_TIMEOUT=300ms \
		OTEL_EBPF_NETWORK_INTERFACES=veth0
	network_ready
	in_peer bash -c 'echo word >/dev/udp/10.77.0.1/7002; echo word >/dev/udp/10.77.0.1/7001'
	assert_line "$LOG" 'dst.address=10.77.0.1 .*dst.port=7001' 5
	assert_eq 1 "$(xdp_warnings)" "warnings"
	stop_agent
	ip link show veth0 | grep -q xdp || fail "the XDP program went"
}

test_beside_an_xdp_program() {
	beside_xdp xdp tc
	assert_line "$LOG" 'dst.address=10.77.0.1 .*dst.port=7002'
}

test_an_xdp_program_that_drops_before_tc() {
	beside_xdp xdp_drop tc
	assert_no_line "$LOG" 'dst.address=10.77.0.1 .*dst.port=7002'
}

test_an_xdp_program_that_drops_before_the_socket_filter() {
	beside_xdp xdp_drop socket_filter
	assert_no_line "$LOG" 'dst.address=10.77.0.1 .*dst.port=7002'
}

# One that comes later is said as well, and once.
test_an_xdp_program_that_comes_later_is_said() {
	compile_firewall
	begin_peer veth0
	flows_by_tc
	assert_eq 0 "$(xdp_warnings)" "warnings without one"
	attach_xdp xdp
	assert_line "$LOG" 'an XDP program decides on packets' 5
	ip link set dev veth0 mtu 1400
	ip link set dev veth0 mtu 1500
	sleep 0.5
	assert_eq 1 "$(xdp_warnings)" "warnings"
	stop_agent
}

# Outside and inside of a tunnel are flows of their own, each counted at its interface.
test_vxlan_is_seen_outside_and_inside() {
	begin_peer veth0
	ip link add vx0 type vxlan id 7 remote 10.77.0.2 dstport 4789 2>/dev/null || skip "no VXLAN here"
	defer drop_link vx0
	in_peer ip link add vx0 type vxlan id 7 remote 10.77.0.1 dstport 4789
	ip addr add 10.78.0.1/24 dev vx0
	ip link set vx0 up
	in_peer ip addr add 10.78.0.2/24 dev vx0
	in_peer ip link set vx0 up
	flows_by_tc OTEL_EBPF_NETWORK_INTERFACES=veth0,vx0
	echo word >/dev/udp/10.78.0.2/7001
	assert_line "$LOG" 'dst.address=10.78.0.2 .*dst.port=7001 bytes=47 packets=1' 5
	assert_line "$LOG" 'dst.address=10.77.0.2 .*dst.port=4789' 5
	stop_agent
	assert_eq 0 "$(total 'network totals' malformed)" "malformed packets"
}

# odd_frames SOURCE: sent to us, and by us.
odd_frames() {
	local caps=$CAPS_NETWORK port
	[ "$1" = tc ] && caps=$CAPS_NETWORK_TC
	begin_peer veth0
	sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	in_peer sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	start_agent "$caps" OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_NETWORK_PRINT_FLOWS=1 \
		OTEL_EBPF_NETWORK_SOURCE="$1" OTEL_EBPF_NETWORK_CACHE_ACTIVE_TIMEOUT=300ms \
		OTEL_EBPF_NETWORK_INTERFACES=veth0 OTEL_EBPF_NETWORK_DEDUPER=none
	network_ready
	in_peer $PYTHON "$LIB/frames.py" eth0
	$PYTHON "$LIB/frames.py" veth0
	sleep 0.5
	stop_agent
	for port in 7000 7001 7002 7003 7004; do
		assert_eq 2 "$(grep -c "^network_flow: transport=17 .*dst.port=$port" "$LOG")" \
			"flows to port $port, in and out"
	done
	assert_no_line "$LOG" 'dst.port=700[5-9]'
	assert_no_line "$LOG" '^network_flow: transport=(0|[2-9][0-9]*|18[0-9]*) '
	assert_eq 10 "$(total 'network totals' malformed)" "packets whose EtherType lies"
}

test_odd_frames_by_socket_filter() {
	odd_frames socket_filter
}

test_odd_frames_by_tc() {
	odd_frames tc
}

run_tests "$@"
