#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Clients and servers as people run them, many requests at once, both ends observed: what the client asked is
# what the spans say, in number, operation, target and status.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/protocols.sh
. "$LIB/protocols.sh"

TARGETS=$LIB/targets

# expect_commands: those in the file answer, at both ends.
expect_commands() {
	expect_asked "$SCRATCH/answer" operation,namespace,status type=RedisServer "serverPort=$PORT"
	expect_asked "$SCRATCH/answer" operation,namespace,status type=RedisClient "serverPort=$PORT"
	expect_all $(($(grep -c . "$SCRATCH/answer") * 2))
}

test_redis_by_python() {
	need redis-server
	need_python redis python3-redis
	serve "${REDIS[@]}" --dir "$SCRATCH"
	begin_talker $PYTHON "$TARGETS/redis_py.py" $PORT 4 25
	observe_both '{*/redis-*,*/python3*}'
	go_on
	expect_commands
}

test_redis_by_node() {
	need redis-server node
	export NODE_PATH=/usr/share/nodejs
	node -e 'require("redis")' 2>/dev/null || skip "needs node-redis"
	serve "${REDIS[@]}" --dir "$SCRATCH"
	begin_talker node "$TARGETS/redis_node.js" $PORT 4 25
	observe_both '{*/redis-*,*/node}'
	go_on
	expect_commands
}

# expect_calls: those in the file answer, at both ends.
expect_calls() {
	sed -i 's|^|toy.v1.Talk/|' "$SCRATCH/answer"
	expect_asked "$SCRATCH/answer" method,status type=GRPC "serverPort=$PORT"
	expect_asked "$SCRATCH/answer" method,status type=GRPCClient "serverPort=$PORT"
	expect_all $(($(grep -c . "$SCRATCH/answer") * 2))
}

need_grpc() {
	need node
	need_python grpc python3-grpcio
	export NODE_PATH=$ROOT/build/otlp/node_modules
	[ -d "$NODE_PATH/@grpc/grpc-js" ] || skip "grpc-js is not there: ./run-tests otlp fetches it by npm"
}

test_grpc_of_node_by_python() {
	need_grpc
	serve node "$TARGETS/grpc_node.js" serve $PORT
	begin_talker $PYTHON "$LIB/grpc_talk.py" asked $PORT 20 8
	observe_both '{*/python3*,*/node}'
	go_on
	expect_calls
}

test_grpc_of_python_by_node() {
	need_grpc
	serve $PYTHON "$LIB/grpc_talk.py" serve $PORT
	begin_talker node "$TARGETS/grpc_node.js" asked $PORT 20 8
	observe_both '{*/python3*,*/node}'
	go_on
	expect_calls
}

# ---- etcd: gRPC's own Go ----

ETCDCTL=(env ETCDCTL_API=3 etcdctl --endpoints "127.0.0.1:$PORT" --command-timeout 10s)

begin_etcd() {
	need etcd etcdctl curl
	need_python grpc python3-grpcio
	serve etcd --data-dir "$SCRATCH/etcd" --listen-peer-urls http://127.0.0.1:2380 \
		--listen-client-urls "http://127.0.0.1:$PORT" --advertise-client-urls "http://127.0.0.1:$PORT"
	assert_line "$SCRATCH/server.log" 'ready to serve client requests' 10
}

# What the server has answered by OK so far: a line for each.
etcd_counts() {
	curl -sS --max-time 5 "http://127.0.0.1:$PORT/metrics" |
		sed -nE 's/^grpc_server_handled_total[{]grpc_code="OK",grpc_method="(\w+)",grpc_service="([a-z.A-Z]+)",.* ([0-9]+)$/\3 \2\/\1 OK/p' |
		awk '{ for (i = 0; i < $1; i++) print $2, $3 }'
}

test_etcd() {
	local i
	begin_etcd
	begin_talker "${ETCDCTL[@]}" watch -i
	observe_both '{*/etcd,*/etcdctl}'
	for i in 1 2 3; do
		"${ETCDCTL[@]}" put "key$i" value
		"${ETCDCTL[@]}" get "key$i"
	done
	"${ETCDCTL[@]}" get --prefix key
	"${ETCDCTL[@]}" del key1
	"${ETCDCTL[@]}" member list
	"${ETCDCTL[@]}" txn <<<$'\nput a b\n\n'
	talk_grpc etcd $PORT 40 8
	# Both ends of a stream that says something now and then.
	echo "watch key2" >&9
	wait_until 1 false || true
	"${ETCDCTL[@]}" put key2 other
	assert_line "$SCRATCH/answer" other 5
	stop "$TALKER" || true
	expect_spans 1 type=GRPC method=etcdserverpb.Watch/Watch
	expect_spans 1 type=GRPCClient method=etcdserverpb.Watch/Watch
	etcd_counts >"$SCRATCH/counts"
	assert_ge "$(grep -c . "$SCRATCH/counts")" 1290 "calls that etcd counted"
	expect_asked "$SCRATCH/counts" method,status type=GRPC "hostPort=$PORT" method!=*Watch
	stop_agent
	assert_eq 0 "$(dropped)" "dropped"
}

# ---- HTTP/2 ----

# load_nginx REQUESTS CLIENTS STREAMS PATH...: what h2load noted is in the file load.
load_nginx() {
	rm -f "$SCRATCH/load"
	h2load -n "$1" -c "$2" -m "$3" "${@:4}" --log-file="$SCRATCH/load" >"$SCRATCH/h2load.log"
	assert_eq "$1" "$(grep -c . "$SCRATCH/load")" "answers that h2load noted"
}

test_nginx_by_h2load() {
	local client span url=http://127.0.0.1:$PORT
	need nginx h2load
	www small
	start_nginx "server { listen $PORT http2; root $SCRATCH/www;
		location /large { limit_rate 10m; }
		location = /made { return 503 'no'; } }"
	observe
	application_ready "$NGINX" "$(children "$NGINX")"
	load_nginx 8000 4 32 "$url/small" "$url/none" "$url/made" "$url/small?again"
	awk '{ print $2 }' "$SCRATCH/load" >"$SCRATCH/statuses"
	expect_asked "$SCRATCH/statuses" status type=HTTP
	expect_spans 4000 path=/small status=200 method=GET
	expect_spans 2000 path=/none status=404
	expect_spans 2000 path=/made status=503
	load_nginx 2 2 1 "$url/large"
	expect_spans 2 path=/large status=200 responseLen=20971520
	paste <(cut -f 3 "$SCRATCH/load" | sort -n) <(span_field durationUSec path=/large | sort -n) >"$SCRATCH/took"
	while read -r client span; do
		assert_near "$client" "$span" 100 "microseconds of a download"
	done <"$SCRATCH/took"
	expect_all 8002
}

# ---- DNS ----

test_dns_by_glibc() {
	need dnsmasq
	echo "nameserver 127.0.0.1" >"$SCRATCH/resolv.conf"
	dnsmasq --keep-in-foreground --no-resolv --no-hosts --port=53 --listen-address=127.0.0.1 \
		--bind-interfaces --user=root --pid-file= --log-facility=- --local=/none.test/ \
		--address=/example.test/192.0.2.7 --address=/example.test/2001:db8::7 >"$SCRATCH/dnsmasq.log" 2>&1 &
	SERVER=$!
	defer stop $SERVER
	begin_talker unshare -m sh -c "mount --bind '$SCRATCH/resolv.conf' /etc/resolv.conf &&
		exec $PYTHON $TARGETS/resolve.py 8 50"
	observe_both '{*/dnsmasq,*/python3*}' OTEL_EBPF_TRACES_INSTRUMENTATIONS='*'
	go_on
	cat "$SCRATCH/answer" "$SCRATCH/answer" >"$SCRATCH/both" # its spans do not tell which end they are of
	expect_asked "$SCRATCH/both" name,questionType,status type=DNS
	expect_all 4000
}

run_tests "$@"
