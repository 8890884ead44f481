// SPDX-License-Identifier: Apache-2.0
// Takes OTLP and throws it away: gRPC over HTTP/2 without TLS. Prints its port.
'use strict';
const http2 = require('http2');

const empty = Buffer.alloc(5); // a gRPC message of no bytes
const server = http2.createServer({ settings: { initialWindowSize: 16 << 20, maxFrameSize: 1 << 20 } });
server.on('session', (session) => session.setLocalWindowSize(64 << 20));
server.on('stream', (stream) => {
	stream.on('error', () => {});
	stream.on('data', () => {});
	stream.on('end', () => {
		stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
		stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
		stream.end(empty);
	});
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
