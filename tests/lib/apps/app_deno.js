// SPDX-License-Identifier: Apache-2.0
// A server on Deno.serve: app_deno.js PORT
Deno.serve({ hostname: '127.0.0.1', port: Number(Deno.args[0]), onListen() {} }, async (request) => {
	const path = new URL(request.url).pathname;

	if (path === '/large')
		return new Response((await Deno.open('large')).readable);
	if (path !== '/hello')
		return new Response('no\n', { status: 404 });
	return new Response(`${(await request.arrayBuffer()).byteLength}\n`);
});
