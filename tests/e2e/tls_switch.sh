#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Connections that begin in clear text and go on inside TLS, and programs that have both.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/tls.sh
. "$LIB/tls.sh"

# begin_postgres: at PORT, over TLS alone. Sets PGBIN.
begin_postgres() {
	local data=$SCRATCH/data
	need psql pgbench runuser
	PGBIN=$(printf '%s\n' /usr/lib/postgresql/*/bin | tail -n 1)
	[ -x "$PGBIN/postgres" ] || skip "needs postgresql"
	make_certificate
	install -d -o postgres -g postgres -m 700 "$data"
	runuser -u postgres -- "$PGBIN/initdb" -D "$data" -A trust -U postgres -N >/dev/null
	install -o postgres -m 600 "$CERT" "$data/server.crt"
	install -o postgres -m 600 "$KEY" "$data/server.key"
	echo "hostssl all all 127.0.0.1/32 trust" >"$data/pg_hba.conf"
	serve runuser -u postgres -- "$PGBIN/postgres" -D "$data" -c port=$PORT -c ssl=on \
		-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off
	export PGSSLMODE=require PGHOST=127.0.0.1 PGPORT=$PORT PGUSER=postgres PGDATABASE=postgres
	wait_until 10 psql -qc 'select 1' >/dev/null 2>&1 || fail "PostgreSQL does not answer"
}

# Its own request for TLS comes first, and an 'S'. What then is said is joined with the sockets; its
# protocol is not known, so nothing is claimed of it.
test_postgres() {
	begin_postgres
	observe_programs '{*/postgres,*/psql,*/pgbench}'
	psql -Atc 'select count(*) from pg_stat_ssl where ssl' | grep -q '^[1-9]' || fail "not over TLS"
	pgbench -qi -s 1 2>/dev/null
	pgbench -S -c 4 -t 500 >"$SCRATCH/pgbench" 2>&1
	grep -q 'actually processed: 2000/2000' "$SCRATCH/pgbench" || fail "pgbench failed"
	is_alive "$AGENT" || fail "the agent has ended"
	expect_all 0
	assert_ge "$(total 'application totals' records)" 10 "records of what was said"
}

# The first request is for the tunnel.
test_a_tunnel_through_a_proxy() {
	need privoxy
	begin_nginx ssl 'location / { return 200 "hello"; }'
	echo "listen-address 127.0.0.1:8118" >"$SCRATCH/privoxy"
	privoxy --no-daemon "$SCRATCH/privoxy" >"$SCRATCH/privoxy.log" 2>&1 &
	defer stop $!
	wait_until 5 listens $! 8118 || fail "privoxy does not listen"
	observe_programs '{*/nginx,*/python3*}'
	begin_talker $PYTHON "$LIB/tls_talk.py" tunnel $PORT 8118 10
	application_ready "$TALKER"
	expect_answered 10
	expect_spans 10 type=HTTPClient method=CONNECT status=200 hostPort=8118
	expect_spans 20 type=HTTPClient method=GET path=/through status=200 hostPort=8118
	expect_spans 20 type=HTTP method=GET path=/through status=200 hostPort=$PORT
	expect_all 50
}

# A program that takes TLS off: the same commands on both of its sides.
test_redis_behind_stunnel() {
	need stunnel4 redis-server redis-benchmark
	make_certificate
	redis-server --bind 127.0.0.1 --port 8081 --save '' --appendonly no --dir "$SCRATCH" >/dev/null &
	defer stop $!
	wait_until 5 listens $! 8081 || fail "redis does not listen"
	cat >"$SCRATCH/stunnel.conf" <<-END
		foreground = yes
		pid =
		cert = $CERT
		key = $KEY
		[redis]
		accept = 127.0.0.1:$PORT
		connect = 127.0.0.1:8081
	END
	serve stunnel4 "$SCRATCH/stunnel.conf"
	observe_programs '*/stunnel4'
	timeout 30 redis-benchmark -h localhost -p $PORT --tls --cacert "$CERT" -t get -n 2000 -c 5 -q
	wait_until 5 has_spans 2000 type=RedisClient hostPort=8081 || true
	wait_until 5 has_spans 2000 type=RedisServer hostPort=$PORT || true
	assert_ge "$(spans type=RedisServer hostPort=$PORT)" 2000 "commands inside TLS"
	assert_eq "$(spans type=RedisServer hostPort=$PORT)" "$(spans type=RedisClient hostPort=8081)" \
		"commands behind it"
}

# The kernel encrypts: what passes the socket calls is plain text, and not told twice.
test_encrypted_by_the_kernel() {
	grep -qw tls /proc/sys/net/ipv4/tcp_available_ulp 2>/dev/null || modprobe -q tls ||
		skip "this kernel has no TLS of its own (CONFIG_TLS)"
	begin_nginx ssl "ssl_conf_command Options KTLS; sendfile on; root $SCRATCH/www;"
	mkdir "$SCRATCH/www"
	echo hello >"$SCRATCH/www/small"
	chmod -R a+rX "$SCRATCH/www"
	observe
	for _ in $(seq 10); do
		curl -sS --max-time 5 -o /dev/null $URL/small -o /dev/null $URL/small
	done
	grep -q 'TlsTxSw[[:space:]]*[1-9]' /proc/net/tls_stat || skip "nginx does not use it"
	expect_spans 20 type=HTTP path=/small status=200
	expect_all 20
}

run_tests "$@"
