// SPDX-License-Identifier: Apache-2.0
// A server on Bun.serve: app_bun.js PORT
Bun.serve({
	hostname: '127.0.0.1',
	port: Number(process.argv[2]),
	async fetch(request) {
		const path = new URL(request.url).pathname;

		if (path === '/large')
			return new Response(Bun.file('large'));
		if (path !== '/hello')
			return new Response('no\n', { status: 404 });
		return new Response(`${(await request.arrayBuffer()).byteLength}\n`);
	},
});
