// SPDX-License-Identifier: Apache-2.0
// A server on node's http module, which sends a file as a stream: app_node.js PORT
'use strict';
const fs = require('fs');
const http = require('http');

http.createServer((request, response) => {
	const path = request.url.split('?')[0];

	if (path === '/large')
		return fs.createReadStream('large').pipe(response);
	if (path !== '/hello')
		return response.writeHead(404).end('no\n');
	let length = 0;
	request.on('data', (data) => { length += data.length; });
	request.on('end', () => response.end(`${length}\n`));
}).listen(Number(process.argv[2]), '127.0.0.1');
