// SPDX-License-Identifier: Apache-2.0
//
// What a description of spans (otlp_tool.c) shall become, said once more, without the agent's code.
// Where an id is random, it is the symbol of this name.
'use strict';
const fs = require('fs');
const path = require('path');

const RANDOM = 'random';
const LONGEST = 4096;
const SERVER = 0;
const VERSION = 'v' + fs.readFileSync(path.join(__dirname, '../../VERSION'), 'utf8').trim();
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function machineId() {
	for (const file of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
		if (fs.existsSync(file) && fs.readFileSync(file, 'utf8').trim())
			return fs.readFileSync(file, 'utf8').trim();
	}
	return '';
}

const HOST_ID = machineId();

// The character at the start of bytes, '' where there is none.
function character(bytes) {
	for (let len = 1; len <= 4 && len <= bytes.length; len++) {
		try {
			return utf8.decode(bytes.subarray(0, len));
		} catch (error) {
			continue;
		}
	}
	return '';
}

// Counts what had to be done to texts.
class Cleaner {
	constructor() {
		this.replaced = 0;
		this.cut = 0;
	}

	clean(bytes) {
		let text = '';
		let room = LONGEST;
		for (let at = 0; at < bytes.length;) {
			const valid = character(bytes.subarray(at));
			const one = valid || '\ufffd';
			const size = Buffer.byteLength(one);
			if (size > room) {
				this.cut++;
				break;
			}
			this.replaced += valid ? 0 : 1;
			at += valid ? size : 1;
			room -= size;
			text += one;
		}
		return text;
	}
}

function hex(text) {
	return Buffer.from(text, 'hex');
}

function texts(pairs, cleaner) {
	return pairs.filter(([, bytes]) => bytes.length)
		.map(([key, bytes]) => ({ key, value: { stringValue: cleaner.clean(bytes) } }));
}

function text(key, bytes, cleaner) {
	return texts([[key, Buffer.from(bytes)]], cleaner);
}

function integer(key, value) {
	return [{ key, value: { intValue: String(value) } }];
}

function flag(key) {
	return [{ key, value: { boolValue: true } }];
}

// Of several values of a key the last counts, and our own keys stay ours.
function pairs(list) {
	const all = list.split(',').filter((pair) => pair.includes('='));
	return all.map((pair) => pair.split('='))
		.filter(([key], i) => !all.slice(i + 1).some((later) => later.startsWith(key + '=')))
		.filter(([key]) => key !== 'host.id')
		.map(([key, value]) => [key, Buffer.from(decodeURIComponent(value))]);
}

function resource(service, skip, cleaner) {
	const instance = hex(service.instance);
	const attributes = texts([
		['service.name', hex(service.name)],
		['service.namespace', hex(service.nameSpace)],
		['service.instance.id', instance],
		['telemetry.sdk.language', hex(service.language)],
		['telemetry.sdk.name', Buffer.from('opentelemetry')],
		['telemetry.sdk.version', Buffer.from(VERSION)],
		['telemetry.distro.name', Buffer.from('opentelemetry-ebpf-instrumentation')],
		['telemetry.distro.version', Buffer.from(VERSION)],
		['host.name', Buffer.from(instance.toString().split(':')[0])],
		['host.id', Buffer.from(HOST_ID)],
		['os.type', Buffer.from('linux')],
		...pairs(hex(service.resourceAttributes).toString()),
		['otel.scope.name', Buffer.from('go.opentelemetry.io/obi')],
	], cleaner);
	return { attributes: attributes.concat(skip ? flag('span.metrics.skip') : []) };
}

function address(bytes) {
	if (bytes.subarray(0, 12).toString('hex') === '00000000000000000000ffff')
		return [...bytes.subarray(12)].join('.');
	const groups = bytes.toString('hex').match(/.{4}/g).join(':');
	return new URL(`http://[${groups}]/`).hostname;
}

function authority(span) {
	const port = span.hostPort === '0' ? '' : `:${span.hostPort}`;
	return span.hostHeader.length ? hex(span.hostHeader)
		: Buffer.from(address(hex(span.hostAddress)) + port);
}

function url(span, query) {
	const pieces = [];
	if (span.scheme)
		pieces.push(hex(span.scheme), Buffer.from('://'), authority(span));
	pieces.push(hex(span.path));
	if (query && span.query)
		pieces.push(Buffer.from('?'), hex(span.query));
	return Buffer.concat(pieces);
}

function size(length) {
	return length.startsWith('-') ? '0' : length;
}

function serverAttributes(span, query, cleaner) {
	return [
		...integer('http.response.status_code', span.status),
		...text('client.address', hex(span.peerName), cleaner),
		...text('server.address', hex(span.hostName), cleaner),
		...integer('server.port', span.hostPort),
		...integer('http.request.body.size', size(span.requestLength)),
		...integer('http.response.body.size', size(span.responseLength)),
		...text('http.request.method', hex(span.method), cleaner),
		...text('url.path', hex(span.path), cleaner),
		...text('url.scheme', hex(span.scheme), cleaner),
		...text('http.route', hex(span.route), cleaner),
		...(query ? text('url.query', hex(span.query), cleaner) : []),
	];
}

function clientAttributes(span, query, cleaner) {
	return [
		...integer('http.response.status_code', span.status),
		...text('url.full', url(span, query), cleaner),
		...text('url.scheme', hex(span.scheme), cleaner),
		...text('server.address', hex(span.hostName), cleaner),
		...integer('server.port', span.hostPort),
		...text('service.peer.name', hex(span.hostName), cleaner),
		...integer('http.request.body.size', size(span.requestLength)),
		...integer('http.response.body.size', size(span.responseLength)),
		...text('http.request.method', hex(span.method), cleaner),
		...(query ? text('url.query', hex(span.query), cleaner) : []),
	];
}

function isZero(id) {
	return /^0*$/.test(id);
}

function identity(span) {
	if (isZero(span.traceId))
		return { traceId: RANDOM, flags: 0x101 };
	const remote = Number(span.type) === SERVER && !isZero(span.parentId) ? 0x200 : 0;
	const parent = isZero(span.parentId) ? {} : { parentSpanId: span.parentId };
	return { traceId: span.traceId, flags: Number(span.traceFlags) | 0x100 | remote, ...parent };
}

function times(start, end) {
	return {
		startTimeUnixNano: start,
		endTimeUnixNano: BigInt(end) > BigInt(start) ? end : start,
	};
}

function child(name, whole, spanId, start, end) {
	return {
		...whole, parentSpanId: RANDOM, flags: whole.flags & ~0x200, spanId, name, kind: 1,
		...times(start, end),
	};
}

function scopeSpans(span, { query, skip }, cleaner) {
	const server = Number(span.type) === SERVER;
	const whole = identity(span);
	const handedOn = isZero(span.spanId) ? RANDOM : span.spanId;
	const waited = BigInt(span.requestStart) < BigInt(span.start) && span.requestStart !== '0';
	const route = span.route ? Buffer.concat([Buffer.from(' '), hex(span.route)]) : Buffer.alloc(0);
	const method = span.method ? hex(span.method) : Buffer.from('HTTP');
	const name = cleaner.clean(Buffer.concat([method, route]));
	const attributes = (server ? serverAttributes : clientAttributes)(span, query, cleaner);
	const status = Number(span.status);
	const main = {
		...whole, spanId: waited ? RANDOM : handedOn, name, kind: server ? 2 : 3,
		...times(waited ? span.requestStart : span.start, span.end),
		attributes: attributes.concat(skip ? flag('span.metrics.skip') : []),
		status: status === 0 || status >= (server ? 500 : 400) ? { code: 2 } : {},
	};
	const children = waited ? [
		child('in queue', whole, RANDOM, span.requestStart, span.start),
		child('processing', whole, handedOn, span.start, span.end),
	] : [];
	return { scope: {}, spans: [...children, main] };
}

// Returns the request, and what had to be done to texts.
function expected(inputs) {
	const cleaner = new Cleaner();
	const services = new Map();
	for (const span of inputs.spans) {
		const key = JSON.stringify(span.service);
		if (!services.has(key))
			services.set(key, {
				resource: resource(span.service, inputs.skip, cleaner),
				scopeSpans: [],
			});
		services.get(key).scopeSpans.push(scopeSpans(span, inputs, cleaner));
	}
	return {
		request: { resourceSpans: [...services.values()] },
		replaced: cleaner.replaced,
		cut: cleaner.cut,
	};
}

module.exports = { expected, RANDOM };
