// SPDX-License-Identifier: Apache-2.0
//
// Writes answers as a collector does, by the official definitions: NAME, and beside it NAME.expected,
// the line of `otlp_tool reply`.
//
//   NODE_PATH=build/otlp/node_modules node tests/otlp/reply.js DIRECTORY
'use strict';
const fs = require('fs');
const path = require('path');
const { opentelemetry } = require('@opentelemetry/otlp-transformer/build/src/generated/root');

const { collector } = opentelemetry.proto;
const directory = process.argv[2];

function write(name, body, rejected, message) {
	fs.writeFileSync(path.join(directory, name), body);
	fs.writeFileSync(path.join(directory, `${name}.expected`),
		`rejected=${rejected} message=${message}\n`);
}

function both(name, type, object, rejected, message) {
	const answer = type.fromObject(object);
	write(`${name}.protobuf`, type.encode(answer).finish(), rejected, message);
	write(`${name}.json`, JSON.stringify(type.toObject(answer, { longs: String })), rejected,
		message);
}

const traces = collector.trace.v1.ExportTraceServiceResponse;
const metrics = collector.metrics.v1.ExportMetricsServiceResponse;

both('whole', traces, {}, 0, '');
both('empty', traces, { partialSuccess: {} }, 0, '');
both('spans', traces,
	{ partialSuccess: { rejectedSpans: '123456789012', errorMessage: 'zu groß €' } },
	123456789012, 'zu groß €');
both('points', metrics, { partialSuccess: { rejectedDataPoints: 7, errorMessage: 'no' } }, 7, 'no');
both('warning', metrics, { partialSuccess: { errorMessage: 'old' } }, 0, 'old');
