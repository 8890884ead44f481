#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The protocol that CONTRIBUTING.md adds, as a stranger would add it: what stands there is built.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

LIMIT[test_protocol_of_the_contributing_guide]=180

# block FILE: the code that stands in CONTRIBUTING.md behind the line that ends with its name.
block() {
	awk -v name="\`$1\`:" '
		index($0, name) && substr($0, length($0) - length(name) + 1) == name { found = 1 }
		found && /^```$/ { exit }
		inside { print }
		found && /^```c$/ { inside = 1 }' "$ROOT/CONTRIBUTING.md"
}

# A tree with what was built, so that only what is new is built again.
copy_tree() {
	local file
	mkdir -p "$1/build"
	for file in Makefile VERSION src include bpf; do
		cp -a "$ROOT/$file" "$1"
	done
	cp -a "$ROOT/build/$(uname -m | sed s/aarch64/arm64/)" "$1/build"
}

# What both ends say, in pieces: five requests, one of them refused, two at once.
talk() {
	$PYTHON - <<-'END'
		import socket, threading, time

		def serve(listener):
		    peer = listener.accept()[0]
		    asked = b""
		    while piece := peer.recv(100):
		        asked += piece
		        while b"\n" in asked:
		            line, asked = asked.split(b"\n", 1)
		            peer.sendall(b"toy!tired\n" if line == b"toy?dance" else b"toy=\n")

		listener = socket.create_server(("127.0.0.1", 8080))
		threading.Thread(target=serve, args=[listener]).start()
		client = socket.create_connection(("127.0.0.1", 8080))
		client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		for piece, answers in (b"toy?sing\n", 1), (b"to", 0), (b"y?dance\n", 1), (b"toy?", 0), \
		        (b"sing\n", 1), (b"toy?read\ntoy?write\n", 2):
		    client.sendall(piece)
		    time.sleep(0.05)
		    for _ in range(answers):
		        line = b""
		        while not line.endswith(b"\n"):
		            line += client.recv(1)
		client.close()
	END
}

test_protocol_of_the_contributing_guide() {
	local tree=$SCRATCH/tree
	need make gcc
	copy_tree "$tree"
	mkdir "$tree/src/protocol/toy"
	block src/protocol/toy/conn.c >"$tree/src/protocol/toy/conn.c"
	block src/protocol/protocols.def >>"$tree/src/protocol/protocols.def"
	assert_line "$tree/src/protocol/toy/conn.c" '^const struct obi_protocol protocol_toy'
	assert_line "$tree/src/protocol/protocols.def" '^OBI_PROTOCOL\(toy\)$'
	make -s -C "$tree" bin/obi || fail "it does not build"

	$PYTHON "$LIB/capture.py" lo "$SCRATCH/toy.pcap" &
	CAPTURE=$!
	defer stop $CAPTURE
	wait_until 5 test -s "$SCRATCH/toy.pcap" || fail "no capture"
	talk
	sleep 0.3
	stop $CAPTURE || true

	# Who does not know it sees nothing in it.
	"$OBI" replay --format none "$SCRATCH/toy.pcap" 2>"$SCRATCH/without"
	assert_line "$SCRATCH/without" ' 0 spans$'
	"$tree/bin/obi" replay --format none "$SCRATCH/toy.pcap" 2>"$SCRATCH/with"
	assert_line "$SCRATCH/with" ' 5 spans$'
	assert_no_line "$SCRATCH/with" 'not|lost|drop'
}

run_tests "$@"
