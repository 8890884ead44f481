#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every byte is counted, once: what flows report against what the interface counted.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

PORT=9400
BIG=52428800

# interface NAME bytes|packets: in both directions, as the kernel counts them.
interface() {
	awk -v name="$1:" -v at="$([ "$2" = bytes ] && echo 2 || echo 3)" \
		'$1 == name { print $at + $(at + 8) }' /proc/net/dev
}

# Packets that did not fit: seen on the way out, and in no count of the interface.
interface_drops() {
	awk '$1 == "veth0:" { print $5 + $13 }' /proc/net/dev
}

is_quiet() {
	local before
	before=$(interface veth0 packets)
	sleep 0.7
	[ "$before" = "$(interface veth0 packets)" ]
}

# With neighbours that need not be asked for: ARP is no IP, and in no flow. Nothing is sent but by the
# test itself: IPv6 sends by itself where it is on, so it is off.
begin_quiet_peer() {
	local here there
	begin_peer veth0
	sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	in_peer sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	here=$(ip -br link show veth0 | awk '{ print $3 }')
	there=$(in_peer ip -br link show eth0 | awk '{ print $3 }')
	ip neigh replace 10.77.0.2 lladdr "$there" dev veth0 nud permanent
	in_peer ip neigh replace 10.77.0.1 lladdr "$here" dev eth0 nud permanent
	# Thousands of connections a second need ports.
	sysctl -qw net.ipv4.ip_local_port_range="1024 65000" net.ipv4.tcp_tw_reuse=1
	mkdir -m 755 "$SCRATCH/www"
	truncate -s $BIG "$SCRATCH/www/big"
	start_nginx "server { listen 8080 backlog=4096; root $SCRATCH/www; location = /big { }
		location / { return 200 'hello'; } }" "${IN_PEER[@]}"
}

# observe SOURCE [NAME=VALUE...]
observe() {
	local source=$1 caps=$CAPS_NETWORK
	shift
	[ "$source" = tc ] && caps=$CAPS_NETWORK_TC
	start_agent "$caps" OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_NETWORK_SOURCE="$source" \
		OTEL_EBPF_METRICS_FEATURES=network,network_flow_packets \
		OTEL_EBPF_NETWORK_CACHE_ACTIVE_TIMEOUT=500ms "$@"
	network_ready
}

transfer() {
	local i
	for i in 1 2 3; do
		curl -sS --max-time 40 -o /dev/null http://10.77.0.2:8080/big
		curl -sS --max-time 40 -o /dev/null -T "$SCRATCH/www/big" http://10.77.0.2:8080/upload ||
			true # refused after some of it: traffic all the same
	done
}

# A connection for each request.
churn() {
	wrk -t 2 -c 64 -d "$1" -H 'Connection: close' http://10.77.0.2:8080/ >"$SCRATCH/wrk"
	grep -E 'requests in|Requests/sec' "$SCRATCH/wrk"
}

exported_packets_reach() {
	scrape $PORT "$SCRATCH/metrics"
	[ "$(metric "$SCRATCH/metrics" obi_network_flow_packets_total)" -ge "$1" ]
}

# compare_with_interface SOURCE COMMAND...: what Prometheus is told against what the interface
# counted, from a quiet moment to a quiet moment: every packet, every byte.
compare_with_interface() {
	local bytes packets
	wait_until 10 is_quiet || fail "the interface is not quiet"
	bytes=$(interface veth0 bytes) packets=$(interface veth0 packets)
	observe "$1" OTEL_EBPF_PROMETHEUS_PORT=$PORT
	"${@:2}"
	wait_until 10 is_quiet || fail "the interface is not quiet again"
	bytes=$(($(interface veth0 bytes) - bytes)) packets=$(($(interface veth0 packets) - packets))
	assert_eq 0 "$(interface_drops)" "packets that the interface dropped"
	# Two periods, on a busy machine more.
	wait_until 10 exported_packets_reach "$packets" || true
	echo "by the interface: $packets packets, $bytes bytes"
	assert_eq "$packets" "$(metric "$SCRATCH/metrics" obi_network_flow_packets_total)" \
		"packets of flows against the interface's"
	assert_eq "$bytes" "$(metric "$SCRATCH/metrics" obi_network_flow_bytes_total)" \
		"bytes of flows against the interface's"
}

steady() {
	need nginx curl
	begin_quiet_peer
	compare_with_interface "$1" transfer
	stop_agent
	assert_eq 0 "$(total 'network totals' lostPackets)" "lost packets"
}

LIMIT[test_churn_by_socket_filter]=90
LIMIT[test_churn_by_tc]=90

churned() {
	local made
	need nginx wrk curl
	begin_quiet_peer
	compare_with_interface "$1" churn 5s
	made=$(awk '/requests in/ { print $1 }' "$SCRATCH/wrk")
	assert_ge "$made" 5000 "connections made"
	stop_agent
	accounts_agree "$(metric "$SCRATCH/metrics" obi_network_flow_packets_total)"
}

test_steady_by_socket_filter() {
	steady socket_filter
}

test_steady_by_tc() {
	steady tc
}

test_churn_by_socket_filter() {
	churned socket_filter
}

test_churn_by_tc() {
	churned tc
}

# accounts_agree EXPORTED: seen = exported + dropped by reason, in packets.
accounts_agree() {
	local line='network totals' packets rest=0 reason
	packets=$(total "$line" packets)
	for reason in filtered duplicate notIP lostPackets malformed; do
		rest=$((rest + $(total "$line" $reason)))
	done
	echo "packets=$packets not in flows=$rest, flows dropped=$(total 'flow records' dropped)"
	assert_eq "$packets" $(($1 + rest)) "packets seen = exported + dropped"
}

# printed KEY: its sum over all flows that were printed.
printed() {
	grep '^network_flow:' "$LOG" | tr ' ' '\n' | awk -F= -v key="$1" '$1 == key { n += $2 } END { print n + 0 }'
}

# A map of few flows: the rest goes one by one, or is counted as lost; nothing is forgotten.
overflow() {
	need nginx wrk
	begin_quiet_peer
	observe "$1" OTEL_EBPF_NETWORK_PRINT_FLOWS=1 OTEL_EBPF_NETWORK_CACHE_MAX_FLOWS=16 \
		OTEL_EBPF_NETWORK_CACHE_ACTIVE_TIMEOUT=5s
	churn 2s
	sleep 0.5
	stop_agent
	assert_ge "$(total 'network totals' overflowPackets)" 100 "packets that found the map full"
	assert_eq 0 "$(total 'flow records' dropped)" "flows that the worker did not take"
	accounts_agree "$(printed packets)"
	assert_eq "$(total 'network totals' bytes)" \
		$(($(printed bytes) + $(total 'network totals' lostBytes))) "bytes seen = exported + lost"
}

test_overflow_is_counted_exactly_by_socket_filter() {
	overflow socket_filter
}

test_overflow_is_counted_exactly_by_tc() {
	overflow tc
}

# Packets that come while it stops are not seen, or are in a flow.
stopped_under_traffic() {
	need nginx wrk
	begin_quiet_peer
	observe "$1" OTEL_EBPF_NETWORK_PRINT_FLOWS=1 OTEL_EBPF_NETWORK_CACHE_MAX_FLOWS=16
	(churn 6s) &
	sleep 2
	stop_agent
	kill -0 $! || fail "the traffic ended before the agent"
	stop $! || true
	assert_eq 0 "$(total 'flow records' dropped)" "flows that the worker did not take"
	accounts_agree "$(printed packets)"
	assert_eq "$(total 'network totals' bytes)" \
		$(($(printed bytes) + $(total 'network totals' lostBytes))) "bytes seen = exported + lost"
}

test_accounts_agree_when_stopped_under_traffic_by_socket_filter() {
	stopped_under_traffic socket_filter
}

test_accounts_agree_when_stopped_under_traffic_by_tc() {
	stopped_under_traffic tc
}

# tcp_counter NAME COMMAND...: of a namespace.
tcp_counter() {
	"${@:2}" cat /proc/net/snmp | awk -v name="$1" '
		$1 == "Tcp:" && !named { for (i = 1; i <= NF; i++) column[$i] = i; named = 1; next }
		$1 == "Tcp:" { print $column[name] }'
}

# sent_again COMMAND...: segments that TCP had to repeat, which it does where a machine stands still.
sent_again() {
	tcp_counter RetransSegs "$@"
}

# sent_segments COMMAND...: what TCP has sent in a namespace, as pieces of the wire.
sent_segments() {
	echo $(($(tcp_counter OutSegs "$@") + $(sent_again "$@")))
}

# Segments by the counters of TCP at both ends; what the interface takes as one piece lacks the
# headers of all but the first: Ethernet's, IPv4's, and TCP's with time stamps.
segments() {
	local bytes packets sent
	need nginx curl
	begin_quiet_peer
	wait_until 10 is_quiet || fail "the interface is not quiet"
	bytes=$(interface veth0 bytes) packets=$(interface veth0 packets)
	sent=$(($(sent_segments) + $(sent_segments in_peer)))
	observe "$1" OTEL_EBPF_NETWORK_PRINT_FLOWS=1 OTEL_EBPF_NETWORK_COUNT_SEGMENTS=true
	transfer
	wait_until 10 is_quiet || fail "the interface is not quiet again"
	bytes=$(($(interface veth0 bytes) - bytes)) packets=$(($(interface veth0 packets) - packets))
	sent=$(($(sent_segments) + $(sent_segments in_peer) - sent))
	stop_agent
	echo "$packets packets of the interface, $sent segments"
	assert_ge "$sent" $((4 * packets)) "segments to tell from packets"
	assert_eq "$sent" "$(printed packets)" "packets on the wire"
	assert_eq $((bytes + (sent - packets) * (14 + 20 + 32))) "$(printed bytes)" "bytes on the wire"
	accounts_agree "$(printed packets)"
}

test_segments_are_counted_as_on_the_wire_by_socket_filter() {
	segments socket_filter
}

test_segments_are_counted_as_on_the_wire_by_tc() {
	segments tc
}

# Where the interface does not cut up, the kernel does, behind tc: then the interface's counters are
# the wire's. IPv4 and IPv6.
test_segments_of_an_interface_that_cannot_cut_up() {
	local bytes packets here there
	need nginx curl
	begin_quiet_peer
	# Group reports are said again within a time: at once, not between two looks at the counters.
	sysctl -qw net.ipv6.conf.veth0.mldv2_unsolicited_report_interval=1 \
		net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.veth0.router_solicitations=0
	in_peer sysctl -qw net.ipv6.conf.eth0.mldv2_unsolicited_report_interval=1 \
		net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.eth0.router_solicitations=0
	ip addr add fd77::1/64 dev veth0 nodad
	in_peer ip addr add fd77::2/64 dev eth0 nodad
	here=$(ip -br link show veth0 | awk '{ print $3 }')
	there=$(in_peer ip -br link show eth0 | awk '{ print $3 }')
	ip neigh replace fd77::2 lladdr "$there" dev veth0 nud permanent
	in_peer ip neigh replace fd77::1 lladdr "$here" dev eth0 nud permanent
	start_nginx "server { listen [::]:8081; root $SCRATCH/www; location = /big { } }" "${IN_PEER[@]}"
	$PYTHON "$LIB/offload.py" veth0 tso
	in_peer $PYTHON "$LIB/offload.py" eth0 tso
	wait_until 20 is_quiet || fail "the interface is not quiet"
	bytes=$(interface veth0 bytes) packets=$(interface veth0 packets)
	observe tc OTEL_EBPF_NETWORK_PRINT_FLOWS=1 OTEL_EBPF_NETWORK_COUNT_SEGMENTS=true
	transfer
	curl -sS --max-time 40 -o /dev/null 'http://[fd77::2]:8081/big'
	curl -sS --max-time 40 -o /dev/null -T "$SCRATCH/www/big" 'http://[fd77::2]:8081/up' || true
	wait_until 10 is_quiet || fail "the interface is not quiet again"
	bytes=$(($(interface veth0 bytes) - bytes)) packets=$(($(interface veth0 packets) - packets))
	stop_agent
	assert_eq "$packets" "$(printed packets)" "packets on the wire"
	assert_eq "$bytes" "$(printed bytes)" "bytes on the wire"
}

# BIG TCP (5.19, IPv4 6.3): pieces of more than 64 KiB, whose length the IP header cannot say; of IPv6 with a
# header of 8 bytes that says it, which is not on the wire.
begin_large() {
	begin_quiet_peer
	sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.veth0.router_solicitations=0
	in_peer sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.eth0.router_solicitations=0
	ip addr add fd77::1/64 dev veth0 nodad
	in_peer ip addr add fd77::2/64 dev eth0 nodad
	start_nginx "server { listen [::]:8081; root $SCRATCH/www; location = /big { } }" "${IN_PEER[@]}"
	$PYTHON "$LIB/offload.py" veth0 largest 200000 || skip "no BIG TCP here"
	in_peer $PYTHON "$LIB/offload.py" eth0 largest 200000
}

large_pieces() {
	local bytes packets
	need nginx curl
	begin_large
	wait_until 20 is_quiet || fail "the interface is not quiet"
	bytes=$(interface veth0 bytes) packets=$(interface veth0 packets)
	observe "$1" OTEL_EBPF_NETWORK_PRINT_FLOWS=1
	transfer
	curl -sS --max-time 40 -o /dev/null 'http://[fd77::2]:8081/big'
	wait_until 10 is_quiet || fail "the interface is not quiet again"
	bytes=$(($(interface veth0 bytes) - bytes)) packets=$(($(interface veth0 packets) - packets))
	stop_agent
	echo "$packets packets, $bytes bytes"
	assert_ge $((bytes / packets)) 30000 "bytes of a packet"
	assert_eq "$packets" "$(printed packets)" "packets of the interface"
	assert_eq "$bytes" "$(printed bytes)" "bytes of the interface"
	accounts_agree "$(printed packets)"
}

test_pieces_larger_than_64_kib_by_socket_filter() {
	large_pieces socket_filter
}

test_pieces_larger_than_64_kib_by_tc() {
	large_pieces tc
}

# printed_tcp KEY: its sum over the flows of TCP.
printed_tcp() {
	grep '^network_flow: transport=6 ' "$LOG" | tr ' ' '\n' |
		awk -F= -v key="$1" '$1 == key { n += $2 } END { print n + 0 }'
}

# large_segments SOURCE ADDRESS PORT HEADERS: one download, in pieces of up to 200,000 bytes; each on the wire
# has HEADERS bytes of headers, the first two 8 more.
large_segments() {
	local bytes sent again
	need nginx curl
	begin_large
	# Nothing is sent twice without need, nor acknowledged with more options than others.
	sysctl -qw net.ipv4.tcp_sack=0 net.ipv4.tcp_early_retrans=0
	in_peer sysctl -qw net.ipv4.tcp_sack=0 net.ipv4.tcp_early_retrans=0
	wait_until 20 is_quiet || fail "the interface is not quiet"
	sent=$(($(sent_segments) + $(sent_segments in_peer)))
	again=$(($(sent_again) + $(sent_again in_peer)))
	observe "$1" OTEL_EBPF_NETWORK_PRINT_FLOWS=1 OTEL_EBPF_NETWORK_COUNT_SEGMENTS=true
	bytes=$(curl -sS --max-time 40 -o /dev/null -w '%{size_request}+%{size_header}+%{size_download}' \
		"http://$2:$3/big")
	wait_until 10 is_quiet || fail "the interface is not quiet again"
	sent=$(($(sent_segments) + $(sent_segments in_peer) - sent))
	again=$(($(sent_again) + $(sent_again in_peer) - again))
	stop_agent
	assert_ge "$sent" $((BIG / 1448)) "segments"
	assert_eq "$sent" "$(printed_tcp packets)" "packets on the wire"
	# What is repeated are whole segments.
	assert_eq $((bytes + again * (1514 - $4) + sent * $4 + 2 * 8)) "$(printed_tcp bytes)" "bytes on the wire"
}

test_segments_of_large_pieces_by_socket_filter() {
	large_segments socket_filter 10.77.0.2 8080 $((14 + 20 + 32))
}

test_segments_of_large_pieces_by_tc() {
	large_segments tc 10.77.0.2 8080 $((14 + 20 + 32))
}

test_segments_of_large_pieces_of_ipv6_by_socket_filter() {
	large_segments socket_filter '[fd77::2]' 8081 $((14 + 40 + 32))
}

test_segments_of_large_pieces_of_ipv6_by_tc() {
	large_segments tc '[fd77::2]' 8081 $((14 + 40 + 32))
}

# printed_of ADDRESS_PREFIX KEY: its sum over the flows from there.
printed_of() {
	grep "^network_flow:.* src.address=$1" "$LOG" | tr ' ' '\n' |
		awk -F= -v key="$2" '$1 == key { n += $2 } END { print n + 0 }'
}

begin_tunnel() {
	ip link add vx0 type vxlan id 7 remote 10.77.0.2 dstport 4789 2>/dev/null || skip "no VXLAN here"
	defer drop_link vx0
	in_peer ip link add vx0 type vxlan id 7 remote 10.77.0.1 dstport 4789
	ip addr add 10.78.0.1/24 dev vx0
	in_peer ip addr add 10.78.0.2/24 dev vx0
	ip link set vx0 up
	in_peer ip link set vx0 up
	# Pieces that it puts together again it has counted before.
	$PYTHON "$LIB/offload.py" vx0 gro
	ip neigh replace 10.78.0.2 lladdr "$(in_peer ip -br link show vx0 | awk '{ print $3 }')" dev vx0 nud permanent
	in_peer ip neigh replace 10.78.0.1 lladdr "$(ip -br link show vx0 | awk '{ print $3 }')" dev vx0 nud permanent
}

# both_interfaces: "packets bytes" inside, then outside. A tunnel counts its packets without their 14 bytes
# of Ethernet.
both_interfaces() {
	local packets
	packets=$(interface vx0 packets)
	echo "$packets $(($(interface vx0 bytes) + 14 * packets)) $(interface veth0 packets) $(interface veth0 bytes)"
}

# What passes a tunnel passes two interfaces, as two flows: inside as vx0 counts it, outside as veth0 does,
# each piece of up to 64 KiB as one packet.
tunnel() {
	local before now
	need nginx curl
	begin_quiet_peer
	begin_tunnel
	wait_until 10 is_quiet || fail "the interface is not quiet"
	read -r -a before < <(both_interfaces)
	observe "$1" OTEL_EBPF_NETWORK_PRINT_FLOWS=1
	curl -sS --max-time 40 -o /dev/null http://10.78.0.2:8080/big
	curl -sS --max-time 40 -o /dev/null -T "$SCRATCH/www/big" http://10.78.0.2:8080/upload || true
	wait_until 10 is_quiet || fail "the interface is not quiet again"
	read -r -a now < <(both_interfaces)
	stop_agent
	echo "inside and outside: before ${before[*]}, now ${now[*]}"
	assert_ge $(((now[1] - before[1]) / (now[0] - before[0]))) 3000 "bytes of a piece: offload is on"
	assert_eq $((now[0] - before[0])) "$(printed_of 10.78 packets)" "packets inside"
	assert_eq $((now[1] - before[1])) "$(printed_of 10.78 bytes)" "bytes inside"
	assert_eq $((now[2] - before[2])) "$(printed_of 10.77 packets)" "packets outside"
	assert_eq $((now[3] - before[3])) "$(printed_of 10.77 bytes)" "bytes outside"
}

test_tunnel_is_counted_at_both_interfaces_by_socket_filter() {
	tunnel socket_filter
}

test_tunnel_is_counted_at_both_interfaces_by_tc() {
	tunnel tc
}

# Over loopback a packet passes every hook twice; the interface counts it as sent and as received.
# What it counts is cut up after tc has seen it: exact is the socket's filter.
loopback() {
	local bytes packets
	need nginx curl
	mkdir -m 755 "$SCRATCH/www"
	truncate -s $BIG "$SCRATCH/www/big"
	start_nginx "server { listen 8080; root $SCRATCH/www; location = /big { } }"
	observe "$1" OTEL_EBPF_NETWORK_PRINT_FLOWS=1 OTEL_EBPF_NETWORK_EXCLUDE_INTERFACES=none
	bytes=$(interface lo bytes) packets=$(interface lo packets)
	curl -sS --max-time 40 -o /dev/null http://127.0.0.1:8080/big
	sleep 1
	bytes=$((($(interface lo bytes) - bytes) / 2)) packets=$((($(interface lo packets) - packets) / 2))
	stop_agent
	assert_near "$bytes" "$(printed bytes)" 1 "bytes over loopback"
	accounts_agree "$(printed packets)"
	[ "$1" = tc ] && return
	# The driver counts a packet without its 14 bytes of Ethernet.
	assert_eq $((bytes + 14 * packets)) "$(printed bytes)" "bytes over loopback"
	assert_eq "$packets" "$(printed packets)" "packets over loopback"
}

test_loopback_counts_once_by_socket_filter() {
	loopback socket_filter
}

test_loopback_counts_once_by_tc() {
	loopback tc
}

test_loopback_is_left_out_by_default() {
	need nginx curl
	start_nginx 'server { listen 8080; location / { return 200 "hello"; } }'
	observe tc OTEL_EBPF_NETWORK_PRINT_FLOWS=1
	curl -sS -o /dev/null http://127.0.0.1:8080/
	sleep 1
	stop_agent
	assert_no_line "$LOG" '^network_flow:'
}

test_ipv6_flows() {
	begin_peer veth0
	observe socket_filter OTEL_EBPF_NETWORK_PRINT_FLOWS=1 OTEL_EBPF_NETWORK_CIDRS=fd77::/64
	wait_until 5 ping_peer || fail "the peer does not answer"
	start_nginx 'server { listen [::]:8080; location / { return 200 "hello"; } }' "${IN_PEER[@]}"
	curl -sS --max-time 5 -o /dev/null 'http://[fd77::2]:8080/'
	assert_line "$LOG" 'src.address=fd77::1 dst.address=fd77::2 .*dst.port=8080.*src.cidr=fd77::/64' 5
	stop_agent
}

ping_peer() {
	bash -c 'exec 3<>/dev/udp/fd77::2/9' 2>/dev/null
}

# Who opened a connection decides which flow is the request.
test_direction_of_requests() {
	need nginx curl
	begin_quiet_peer
	observe socket_filter OTEL_EBPF_PROMETHEUS_PORT=$PORT
	curl -sS -o /dev/null http://10.77.0.2:8080/big
	sleep 1
	scrape $PORT "$SCRATCH/metrics"
	assert_ge "$(metric "$SCRATCH/metrics" obi_network_flow_bytes_total 'direction="response"')" $BIG "response bytes"
	assert_le "$(metric "$SCRATCH/metrics" obi_network_flow_bytes_total 'direction="request"')" $((BIG / 10)) "request bytes"
	# What has no ports has no initiator: a new interface's ICMPv6.
	assert_le "$(metric "$SCRATCH/metrics" obi_network_flow_bytes_total 'direction="unknown"')" 5000 "bytes of unknown direction"
	stop_agent
}

test_protocols_and_interfaces_are_filtered() {
	need nginx curl
	begin_quiet_peer
	observe tc OTEL_EBPF_NETWORK_PRINT_FLOWS=1 OTEL_EBPF_NETWORK_PROTOCOLS=UDP \
		OTEL_EBPF_NETWORK_INTERFACES='/veth.*/'
	curl -sS -o /dev/null http://10.77.0.2:8080/
	echo word >/dev/udp/10.77.0.2/5555
	assert_line "$LOG" 'network_flow: transport=17 .*dst.port=5555' 5
	stop_agent
	assert_no_line "$LOG" '^network_flow: transport=6'
}

run_tests "$@"
