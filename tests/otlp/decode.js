// SPDX-License-Identifier: Apache-2.0
//
// An export request decoded by the official definitions, as npm's @opentelemetry/otlp-transformer
// ships them, and held against the rules of the specification (rules.js).
//
//   NODE_PATH=build/otlp/node_modules node tests/otlp/decode.js traces|metrics FILE
//
// Prints it as OTLP/JSON; status 1 with a line for each rule that it breaks.
'use strict';
const fs = require('fs');
const { Reader } = require('protobufjs/minimal');
const { opentelemetry } = require('@opentelemetry/otlp-transformer/build/src/generated/root');
const rules = require('./rules');

const REQUESTS = {
	traces: opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest,
	metrics: opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest,
};
const IDS = new Set(['traceId', 'spanId', 'parentSpanId']);

// protobufjs takes any bytes as a string; the format does not.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
Reader.prototype.string = function () {
	return utf8.decode(this.bytes());
};

function number(value) {
	return Number.isFinite(value) ? value : String(value);
}

// As OTLP/JSON has it.
function convert(value, key) {
	if (Array.isArray(value))
		return value.map((item) => convert(item, key));
	if (value instanceof Uint8Array)
		return Buffer.from(value).toString(IDS.has(key) ? 'hex' : 'base64');
	if (value !== null && typeof value === 'object')
		return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, convert(v, k)]));
	return typeof value === 'number' ? number(value) : value;
}

// What the definitions do not know would be missing when it is encoded again, and so would what is
// longer than it need be.
function decode(signal, bytes) {
	const type = REQUESTS[signal];
	const message = type.decode(bytes);
	const again = type.encode(message).finish();
	if (again.length !== bytes.length)
		throw new Error(`${bytes.length} bytes, but ${again.length} encoded again`);
	return convert(type.toObject(message, { longs: String }));
}

module.exports = { decode };

if (require.main === module) {
	const [signal, file] = process.argv.slice(2);
	const request = decode(signal, fs.readFileSync(file));
	console.log(JSON.stringify(request, null, 2));
	const broken = rules[signal](request);
	broken.forEach((line) => console.error(line));
	process.exitCode = broken.length ? 1 : 0;
}
