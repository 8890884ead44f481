// SPDX-License-Identifier: Apache-2.0
// A server on node's http module: node node.js PORT
//   /chunked/N   N chunks of 1000 bytes, 20 ms apart, without a length
//   /slow/MS     answers after MS milliseconds
//   /status/N    answers with that status
//   otherwise    reads the body and answers with its length
// An Upgrade is answered with 101 and an echo of bytes.
'use strict';
const http = require('http');

const server = http.createServer((request, response) => {
	const [, verb, number] = request.url.split('?')[0].split('/');
	if (verb === 'chunked') {
		let left = Number(number);
		const next = () => {
			if (left-- <= 0)
				return response.end();
			response.write(Buffer.alloc(1000, 'x'));
			setTimeout(next, 20);
		};
		return next();
	}
	if (verb === 'slow')
		return setTimeout(() => response.end('slow\n'), Number(number));
	if (verb === 'status') {
		response.statusCode = Number(number);
		return response.end();
	}
	let length = 0;
	request.on('data', (data) => { length += data.length; });
	request.on('end', () => response.end(String(length)));
});

server.on('upgrade', (request, socket) => {
	socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
	socket.on('data', (data) => socket.write(data));
	socket.on('error', () => {});
});

server.keepAliveTimeout = 60000;
server.listen(Number(process.argv[2]));
