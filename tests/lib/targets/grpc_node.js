// SPDX-License-Identifier: Apache-2.0
//
// Both ends of gRPC, on grpc-js, with bytes for messages; the methods are those of grpc_talk.py.
//
//   node grpc_node.js serve PORT
//   node grpc_node.js asked PORT ROUNDS CHAINS    after a line on standard input: calls of each kind, one
//                                                 after the other in as many chains as are told
//
// NODE_PATH: where the package is. The client prints each call: its method, and the word of its status.

'use strict'
const grpc = require('@grpc/grpc-js')

const [verb, port, rounds, chains] = process.argv.slice(2)
const asIs = bytes => bytes
const path = name => `/toy.v1.Talk/${name}`

// ---- The server ----

const method = (name, requestStream, responseStream) => ({
	path: path(name), requestStream, responseStream,
	requestSerialize: asIs, requestDeserialize: asIs,
	responseSerialize: asIs, responseDeserialize: asIs,
})

const methods = {
	Echo: method('Echo', false, false),
	Fail: method('Fail', false, false),
	Count: method('Count', false, true),
	Join: method('Join', true, false),
	Chat: method('Chat', true, true),
}

const handlers = {
	Echo: (call, done) => done(null, call.request),
	Fail: (call, done) =>
		done({ code: grpc.status.NOT_FOUND, details: 'nothing of 100% that name' }),
	Count: call => {
		for (let i = 0; i < Number(call.request); i++)
			call.write(Buffer.from(`${i}`))
		call.end()
	},
	Join: (call, done) => {
		const pieces = []
		call.on('data', piece => pieces.push(piece))
		call.on('end', () => done(null, Buffer.concat(pieces)))
	},
	Chat: call => {
		call.on('data', piece => call.write(piece))
		call.on('end', () => call.end())
	},
}

function serve() {
	const server = new grpc.Server()
	server.addService(methods, handlers)
	server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), error => {
		if (error)
			throw error
	})
}

// ---- The client ----

const asked = []

// Ends with the status of a call, whose messages count of them must be.
const end = (call, name, count) => new Promise((done, failed) => {
	let got = 0
	call.on('error', () => {})
	call.on('data', () => got++)
	call.on('status', status => {
		asked.push(`${name} ${grpc.status[status.code]}`)
		if (got !== count)
			failed(new Error(`${name}: ${got} messages`))
		done()
	})
})

const answered = (start, name, wanted) => new Promise((done, failed) => {
	const call = start((error, answer) => {
		asked.push(`${name} ${grpc.status[error ? error.code : 0]}`)
		if (!error && !answer.equals(Buffer.from(wanted)))
			failed(new Error(`${name}: ${answer}`))
		done()
	})
	if (call.write)
		for (const piece of wanted)
			call.write(Buffer.from(piece))
	if (call.write)
		call.end()
})

async function round(client) {
	const unary = (name, bytes) => answered(
		done => client.makeUnaryRequest(path(name), asIs, asIs, Buffer.from(bytes), done), name, bytes)
	await Promise.all([unary('Echo', 'hello'), unary('Echo', 'x'.repeat(100000)), unary('Echo', '')])
	await end(client.makeServerStreamRequest(path('Count'), asIs, asIs, Buffer.from('20')), 'Count', 20)
	await answered(done => client.makeClientStreamRequest(path('Join'), asIs, asIs, done), 'Join', 'ab')
	const chat = client.makeBidiStreamRequest(path('Chat'), asIs, asIs)
	chat.write(Buffer.from('a'))
	chat.write(Buffer.from('b'))
	chat.end()
	await end(chat, 'Chat', 2)
	await unary('Fail', '')
	await unary('NoSuchMethod', '')
}

async function ask() {
	const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure())
	await Promise.all(Array.from({ length: Number(chains) }, async () => {
		for (let i = 0; i < Number(rounds); i++)
			await round(client)
	}))
	console.log(asked.join('\n'))
	process.exit(0)
}

if (verb === 'serve')
	serve()
else
	process.stdin.once('data', ask)
