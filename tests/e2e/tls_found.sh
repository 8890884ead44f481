#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TLS libraries are found when they come: loaded late, in another root, on stacked file systems, replaced and
# deleted under running processes, in processes that live short, and where they are none at all.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/tls.sh
. "$LIB/tls.sh"

# begin_server_and_client: nginx at PORT, and a client to be started.
begin_server_and_client() {
	compile_client tls_client OPENSSL -lssl -lcrypto
	begin_nginx ssl 'location / { return 200 "hello"; }'
}

# make_root DIR: a root with that client and its libraries.
make_root() {
	local library
	mkdir -p "$1"
	cp "$SCRATCH/tls_client" "$1/"
	while read -r library; do
		mkdir -p "$1$(dirname "$library")"
		cp -L "$library" "$1$library"
	done < <(ldd "$SCRATCH/tls_client" | grep -o '/[^ ]*')
	chmod -R a+rX "$1"
}

# probed N: so many libraries have probes.
probed() {
	[ "$(log_count 'library probed')" = "$1" ]
}

# asks COUNT PATH COMMAND..., with LIBRARIES: that client, once it is observed and so many have probes.
asks() {
	begin_talker "${@:3}" $PORT "$2" "$1"
	application_ready "$TALKER"
	wait_until 5 probed "$LIBRARIES" || fail "not $LIBRARIES libraries have probes"
	expect_answered "$1"
	rm "$SCRATCH/line"
	expect_spans "$1" type=HTTPClient path="$2" status=200 hostPort=$PORT
}

test_loaded_late() {
	begin_nginx ssl 'location / { return 200 "hello"; }'
	observe_programs '{*/python3*,*/nginx}'
	for i in 1 2 3; do
		begin_talker $PYTHON "$LIB/targets/late_tls.py" $PORT 5
		application_ready "$TALKER"
		! grep -q libssl "/proc/$TALKER/maps" || fail "it is there already"
		expect_answered 5
		rm "$SCRATCH/line"
		expect_spans $((5 * i)) type=HTTPClient path=/late status=200
	done
	expect_all 30
}

# Of a file that is not known: nothing else maps it.
test_loaded_late_and_new() {
	begin_nginx ssl 'location / { return 200 "hello"; }'
	mkdir "$SCRATCH/own"
	cp -L /usr/lib/x86_64-linux-gnu/lib{ssl,crypto}.so.3 "$SCRATCH/own/"
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='*/python3*' OTEL_EBPF_TRACE_PRINTER=json
	begin_talker env LD_LIBRARY_PATH="$SCRATCH/own" $PYTHON "$LIB/targets/late_tls.py" $PORT 5
	application_ready "$TALKER"
	expect_answered 5
	expect_spans 5 type=HTTPClient path=/late status=200
	assert_line "$LOG" "library probed.*$SCRATCH/own/libssl.so.3" 0
}

test_in_another_root() {
	begin_server_and_client
	make_root "$SCRATCH/root"
	observe_programs '{*/tls_client,*/nginx}'
	LIBRARIES=2 asks 10 /changed-root chroot "$SCRATCH/root" /tls_client
	expect_all 20
}

test_in_mounts_of_its_own() {
	begin_server_and_client
	make_root "$SCRATCH/root"
	mkdir "$SCRATCH/elsewhere"
	observe_programs '{*/tls_client,*/nginx}'
	# Here nothing is at the place where it finds its libraries.
	LIBRARIES=2 asks 10 /own-mounts unshare --mount bash -c "mount -t tmpfs none '$SCRATCH/elsewhere' &&
		cp -r '$SCRATCH/root/.' '$SCRATCH/elsewhere/' &&
		exec chroot '$SCRATCH/elsewhere' /tls_client \"\$@\"" -
	[ ! -e "$SCRATCH/elsewhere/tls_client" ] || fail "its mounts are seen here"
	expect_all 20
}

# Two names of one file, as two containers of an image have them.
test_on_stacked_file_systems() {
	begin_server_and_client
	mkdir "$SCRATCH/tmpfs"
	mount -t tmpfs none "$SCRATCH/tmpfs"
	defer umount "$SCRATCH/tmpfs"
	make_root "$SCRATCH/tmpfs/root"
	for name in one two; do
		mkdir -p "$SCRATCH/tmpfs/$name"/{upper,work,all}
		mount -t overlay overlay "$SCRATCH/tmpfs/$name/all" -o \
			"lowerdir=$SCRATCH/tmpfs/root,upperdir=$SCRATCH/tmpfs/$name/upper,workdir=$SCRATCH/tmpfs/$name/work" ||
			skip "overlays cannot be mounted here"
		defer umount "$SCRATCH/tmpfs/$name/all"
	done
	observe_programs '{*/tls_client,*/nginx}'
	for i in 1 2; do
		LIBRARIES=$((i == 1 ? 2 : 3)) asks 10 /one-$i chroot "$SCRATCH/tmpfs/one/all" /tls_client
		LIBRARIES=3 asks 10 /two-$i chroot "$SCRATCH/tmpfs/two/all" /tls_client
	done
	LIBRARIES=4 asks 10 /below chroot "$SCRATCH/tmpfs/root" /tls_client
	expect_all 100
}

# As a package is upgraded: another file is renamed over the old one.
replace() {
	cp "$1" "$1.new"
	mv "$1.new" "$1"
}

test_replaced_under_running_processes() {
	local own=$SCRATCH/own
	compile_client tls_client OPENSSL -lssl -lcrypto
	need nginx curl
	make_certificate
	mkdir "$own"
	cp -L /usr/lib/x86_64-linux-gnu/lib{ssl,crypto}.so.3 "$own/"
	start_nginx "server { listen $PORT ssl; ssl_certificate $CERT; ssl_certificate_key $KEY;
		location / { return 200 hello; } }" env LD_LIBRARY_PATH="$own"
	replace "$own/libssl.so.3"
	grep -q 'libssl.so.3 (deleted)' "/proc/$NGINX/maps" || fail "nginx has the new one"
	observe_programs '{*/nginx,*/tls_client}'
	LIBRARIES=2 asks 10 /new env LD_LIBRARY_PATH="$own" "$SCRATCH/tls_client"
	expect_spans 10 type=HTTP path=/new status=200
	replace "$own/libssl.so.3"
	LIBRARIES=3 asks 10 /newer env LD_LIBRARY_PATH="$own" "$SCRATCH/tls_client"
	expect_spans 10 type=HTTP path=/newer status=200
	rm "$own/libssl.so.3"
	LIBRARIES=4 asks 10 /systems env LD_LIBRARY_PATH="$own" "$SCRATCH/tls_client"
	expect_spans 10 type=HTTP path=/systems status=200
	expect_all 60
}

# Each of them maps the library, and has ended before it was looked at.
test_processes_that_end_meanwhile() {
	local i
	begin_server_and_client
	observe_programs '{*/tls_client,*/nginx}'
	for ((i = 0; i < 300; i++)); do
		"$SCRATCH/tls_client" &
		[ $((i % 10)) != 0 ] || wait $! || true
	done
	# That it is observed may be one of many lines like it.
	begin_talker "$SCRATCH/tls_client" $PORT /after-them 10
	sleep 1
	expect_answered 10
	expect_spans 10 type=HTTPClient path=/after-them status=200 hostPort=$PORT
	expect_all 20
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
}

# What has a library's name and is none.
test_files_that_are_no_libraries() {
	begin_server_and_client
	head -c 20000 /dev/urandom >"$SCRATCH/libssl.so.noise"
	: >"$SCRATCH/libssl.so.empty"
	printf '\177ELF' >"$SCRATCH/libgnutls.so.short"
	head -c 40000 /usr/lib/x86_64-linux-gnu/libssl.so.3 >"$SCRATCH/libssl.so.half"
	observe_programs '{*/tls_client,*/nginx,*/python3*}'
	mkfifo "$SCRATCH/hold"
	$PYTHON "$LIB/targets/map_files.py" "$SCRATCH"/lib{ssl,gnutls}.so.* <"$SCRATCH/hold" >"$SCRATCH/mapped" &
	defer stop $!
	exec 8>"$SCRATCH/hold"
	assert_line "$SCRATCH/mapped" mapped 5
	application_ready $!
	# What was mapped is a pipe now, by its name.
	for file in "$SCRATCH"/lib{ssl,gnutls}.so.*; do
		rm "$file"
		mkfifo "$file"
	done
	LIBRARIES=1 asks 10 /beside-them "$SCRATCH/tls_client"
	expect_all 20
}

ALONE[test_many_that_live_short]=1

# What is asked later than some milliseconds after exec is seen, each time.
test_many_that_live_short() {
	local i at_once
	begin_nginx ssl 'location / { return 200 "hello"; }'
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='*/curl' OTEL_EBPF_TRACE_PRINTER=json
	assert_line "$LOG" 'probes on TLS libraries' 10
	curl -sS --max-time 5 -o /dev/null $URL/first
	probes_are_there
	for ((i = 0; i < 200; i++)); do
		curl -sS --max-time 5 --rate 50/s -o /dev/null $URL/at-once/$i -o /dev/null $URL/later/$i
	done
	wait_until 5 has_spans 200 type=HTTPClient path='/later/*' status=200 || true
	at_once=$(spans type=HTTPClient path='/at-once/*' status=200)
	echo "seen of 200 that were asked at once: $at_once"
	expect_spans 200 type=HTTPClient path='/later/*' status=200
	stop_agent
	# What is counted is where a beginning may have been missed.
	assert_ge "$(total 'application totals' tlsLate)" $((200 - at_once)) "sessions that were seen late"
}

run_tests "$@"
