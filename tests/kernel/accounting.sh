#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every byte is counted, once: what flows report against what the interface counted.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

PORT=9400
BIG=52428800

# interface NAME rx|tx: bytes, as the kernel counts them.
interface() {
	awk -v name="$1:" -v field="$2" '$1 == name { print field == "rx" ? $2 : $10 }' /proc/net/dev
}

# With neighbours that need not be asked for: ARP is no IP, and in no flow.
begin_quiet_peer() {
	local here there
	begin_peer veth0
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

# Bytes by Prometheus against the interface, from a quiet moment to a quiet moment.
compare_with_interface() {
	local rx tx bytes
	rx=$(interface veth0 rx) tx=$(interface veth0 tx)
	"$@"
	sleep 1.5 # the last packets of closing connections
	rx=$(($(interface veth0 rx) - rx)) tx=$(($(interface veth0 tx) - tx))
	sleep 1
	scrape $PORT "$SCRATCH/metrics"
	bytes=$(metric "$SCRATCH/metrics" obi_network_flow_bytes_total)
	assert_near $((rx + tx)) "$bytes" 1 "flow bytes against interface bytes"
}

steady() {
	need nginx curl
	begin_quiet_peer
	observe "$1" OTEL_EBPF_PROMETHEUS_PORT=$PORT
	compare_with_interface transfer
	stop_agent
	assert_eq 0 "$(total 'network totals' lostPackets)" "lost packets"
}

LIMIT[test_churn_by_socket_filter]=90
LIMIT[test_churn_by_tc]=90

churned() {
	local made
	need nginx wrk curl
	begin_quiet_peer
	observe "$1" OTEL_EBPF_PROMETHEUS_PORT=$PORT
	compare_with_interface churn 5s
	made=$(awk '/requests in/ { print $1 }' "$SCRATCH/wrk")
	assert_ge "$made" 5000 "connections made"
	stop_agent
	accounts_agree
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

# seen = exported + dropped by reason, in packets.
accounts_agree() {
	local line='network totals' packets rest=0 reason
	packets=$(total "$line" packets)
	for reason in filtered duplicate notIP lostPackets malformed; do
		rest=$((rest + $(total "$line" $reason)))
	done
	echo "packets=$packets not in flows=$rest, flows dropped=$(total 'flow records' dropped)"
	[ -z "${1:-}" ] || assert_eq "$packets" $(($1 + rest)) "packets seen = exported + dropped"
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

# Over loopback a packet passes every hook twice.
loopback() {
	local tx
	need nginx curl
	mkdir -m 755 "$SCRATCH/www"
	truncate -s $BIG "$SCRATCH/www/big"
	start_nginx "server { listen 8080; root $SCRATCH/www; location = /big { } }"
	observe "$1" OTEL_EBPF_NETWORK_PRINT_FLOWS=1 OTEL_EBPF_NETWORK_EXCLUDE_INTERFACES=none
	tx=$(interface lo tx)
	curl -sS --max-time 40 -o /dev/null http://127.0.0.1:8080/big
	sleep 1
	tx=$(($(interface lo tx) - tx))
	stop_agent
	assert_near "$tx" "$(printed bytes)" 1 "bytes over loopback"
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
