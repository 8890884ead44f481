// SPDX-License-Identifier: Apache-2.0
// HTTPS by Node.js, which moves the bytes between its TLS library and the socket itself.
//   serve PORT CERT KEY
//   serve2 PORT CERT KEY: by HTTP/2, or HTTP/1.1 where a client wants it.
//   both PORT CERT KEY COUNT: a server, and once a line comes a client of it in the same process, which
//     says done.
//   ask PORT COUNT CONNECTIONS PATH: so many requests on so many connections at a time.
'use strict';
const fs = require('fs');
const http2 = require('http2');
const https = require('https');

function serve(port, cert, key) {
  const options = { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
  const server = https.createServer(options, (request, response) => {
    request.resume();
    request.on('end', () => {
      const size = Number(new URL(request.url, 'https://x').searchParams.get('size') || 5);
      response.writeHead(request.url.startsWith('/missing') ? 404 : 200,
        { 'Content-Length': size });
      response.end(Buffer.alloc(size, 'x'));
    });
  });
  server.listen(port, '127.0.0.1');
}

function serve2(port, cert, key) {
  const options = { cert: fs.readFileSync(cert), key: fs.readFileSync(key), allowHTTP1: true };
  const server = http2.createSecureServer(options, (request, response) => {
    response.writeHead(200, { 'content-length': 5 });
    response.end('hello');
  });
  server.listen(port, '127.0.0.1');
}

function ask(agent, port, path) {
  return new Promise((resolve, reject) => {
    https.get({ host: 'localhost', port, path, agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    }).on('error', reject);
  });
}

async function client(port, count, connections, path) {
  const agent = new https.Agent({ keepAlive: true, maxSockets: connections });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  for (let done = 0; done < count; done += connections)
    await Promise.all(Array.from({ length: Math.min(connections, count - done) },
      () => ask(agent, port, path)));
  agent.destroy();
}

function both(port, cert, key, count) {
  serve(port, cert, key);
  process.stdin.once('data', async () => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < Number(count); i++)
      await ask(agent, port, '/both');
    agent.destroy();
    console.log('done');
  });
}

const [what, port, ...rest] = process.argv.slice(2);
if (what === 'serve')
  serve(Number(port), ...rest);
else if (what === 'both')
  both(Number(port), ...rest);
else if (what === 'serve2')
  serve2(Number(port), ...rest);
else
  client(Number(port), Number(rest[0]), Number(rest[1]), rest[2]);
