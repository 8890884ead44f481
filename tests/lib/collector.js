// SPDX-License-Identifier: Apache-2.0
//
// A collector that can be good or bad:  node collector.js PORT http|grpc MODE_FILE
//
// MODE_FILE holds what the next request gets; it is read anew for each:
//   ok        takes it             partial   takes all but one span
//   429 503 400 ...                answers so, with Retry-After: 1 where it is 429
//   silent    never answers        slow      answers a byte a second
//   big       answers 10 MB        close     closes at once
//   garbage   a status that is none
// grpc also takes a number of a gRPC status: g14.
//
// Prints a line a request: MODE SPANS; spans are counted in protobuf (gzip or not) and JSON.

'use strict'
const fs = require('fs')
const http = require('http')
const http2 = require('http2')
const zlib = require('zlib')

const [port, kind, modeFile] = process.argv.slice(2)
const mode = () => fs.readFileSync(modeFile, 'utf8').trim()

// Occurrences of a path of length-delimited fields: 1.2.2 is resource_spans.scope_spans.spans.
function count(bytes, path) {
	let at = 0, found = 0
	const varint = () => {
		let value = 0n, shift = 0n
		for (;;) {
			const byte = bytes[at++]
			value |= BigInt(byte & 0x7f) << shift
			if (byte < 0x80) return Number(value)
			shift += 7n
		}
	}
	while (at < bytes.length) {
		const tag = varint()
		if ((tag & 7) === 0) varint()
		else if ((tag & 7) === 1) at += 8
		else if ((tag & 7) === 5) at += 4
		else {
			const end = varint() + at
			if (tag >> 3 === path[0])
				found += path.length === 1 ? 1 : count(bytes.subarray(at, end), path.slice(1))
			at = end
		}
	}
	return found
}

function spansOf(body, headers) {
	if (headers['content-encoding'] === 'gzip') body = zlib.gunzipSync(body)
	if (headers['content-type'] === 'application/json')
		return JSON.parse(body).resourceSpans
			.flatMap(r => r.scopeSpans).flatMap(s => s.spans).length
	if (headers['content-type'] === 'application/grpc') {
		const message = body.subarray(5)
		body = body[0] ? zlib.gunzipSync(message) : message
	}
	return count(body, [1, 2, 2])
}

// ExportTraceServiceResponse{partial_success{rejected_spans 1, error_message "no"}}
const partial = Buffer.from([0x0a, 6, 8, 1, 0x12, 2, 0x6e, 0x6f])

function slowly(stream) {
	const timer = setInterval(() => stream.destroyed ? clearInterval(timer) : stream.write('x'), 1000)
	stream.on('close', () => clearInterval(timer))
	stream.on('error', () => {})
}

function answerHttp(what, request, response) {
	if (what === 'silent') return
	if (what === 'close') return request.socket.destroy()
	if (what === 'garbage') return request.socket.end('\x00\x01garbage \xff\r\n\r\n')
	if (what === 'slow') return slowly(response.writeHead(200))
	if (what === 'big') return response.end(Buffer.alloc(10 << 20, 'x'))
	if (what === 'partial')
		return request.headers['content-type'] === 'application/json'
			? response.end('{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}')
			: response.end(partial)
	const status = what === 'ok' ? 200 : Number(what)
	if (status === 429) response.setHeader('Retry-After', '1')
	response.writeHead(status).end()
}

function answerGrpc(what, stream) {
	if (what === 'silent') return
	if (what === 'close') return stream.session.destroy()
	if (/^[0-9]+$/.test(what)) {
		const extra = what === '429' ? { 'retry-after': '1' } : {}
		return stream.respond({ ':status': Number(what), ...extra }, { endStream: true })
	}
	const trailers = { 'grpc-status': '0' }
	if (what === 'garbage') trailers['grpc-status'] = '\x7fno%%status'.replace('\x7f', '-')
	if (what[0] === 'g' && what !== 'garbage') {
		trailers['grpc-status'] = what.slice(1)
		trailers['grpc-message'] = 'as%20asked'
	}
	stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
	stream.on('wantTrailers', () => stream.sendTrailers(trailers))
	if (what === 'slow') return slowly(stream)
	const message = what === 'big' ? Buffer.alloc(10 << 20, 'x') : what === 'partial' ? partial : Buffer.alloc(0)
	const frame = Buffer.alloc(5)
	frame.writeUInt32BE(message.length, 1)
	stream.end(Buffer.concat([frame, message]))
}

function serve(stream, headers, answer) {
	const chunks = []
	stream.on('error', () => {})
	stream.on('data', chunk => chunks.push(chunk))
	stream.on('end', () => {
		const what = mode()
		fs.writeSync(1, `${what} ${spansOf(Buffer.concat(chunks), headers)}\n`)
		answer(what)
	})
}

let server
if (kind === 'grpc') {
	server = http2.createServer()
	server.on('stream', (stream, headers) => serve(stream, headers, what => answerGrpc(what, stream)))
	server.on('session', session => session.on('error', () => {}))
} else {
	server = http.createServer((request, response) =>
		serve(request, request.headers, what => answerHttp(what, request, response)))
}
server.listen(port[0] === '/' ? port : Number(port), '127.0.0.1')
