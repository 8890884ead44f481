// SPDX-License-Identifier: Apache-2.0
//
// Random spans, encoded by the agent, decoded by the official definitions, are those that went in.
//
//   NODE_PATH=build/otlp/node_modules node tests/otlp/property.js DIRECTORY
'use strict';
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { decode } = require('./decode');
const { expected, RANDOM } = require('./expected');
const rules = require('./rules');

const directory = process.argv[2];

function read(name) {
	return fs.readFileSync(path.join(directory, name));
}

// A scope's random ids become the word, once they are seen to fit each other and nothing before.
const seen = new Set();

function takeRandom(id, fresh) {
	assert.ok(!fresh || !seen.has(id), `id ${id} twice`);
	seen.add(id);
	return RANDOM;
}

function hideRandom(actual, wanted) {
	const whole = actual.spans[actual.spans.length - 1];
	const { traceId, spanId } = whole;
	assert.strictEqual(actual.spans.length, wanted.spans.length, 'spans of a scope');
	actual.spans.forEach((span, i) => {
		if (span !== whole)
			assert.strictEqual(span.parentSpanId, spanId, 'parent of a child span');
		assert.strictEqual(span.traceId, traceId, 'trace of a child span');
		if (wanted.spans[i].spanId === RANDOM)
			span.spanId = takeRandom(span.spanId, true);
		if (wanted.spans[i].parentSpanId === RANDOM)
			span.parentSpanId = RANDOM;
	});
	if (wanted.spans[0].traceId === RANDOM)
		actual.spans.forEach((span, i) => { span.traceId = takeRandom(span.traceId, i === 0); });
}

function scopes(request) {
	return request.resourceSpans.flatMap((resource) => resource.scopeSpans);
}

const inputs = JSON.parse(read('inputs.json'));
const request = decode('traces', read('request.bin'));
const wanted = expected(inputs);

assert.deepStrictEqual(JSON.parse(read('request.json')), request, 'OTLP/JSON and protobuf differ');
assert.deepStrictEqual(rules.traces(request), []);
assert.strictEqual(scopes(request).length, inputs.spans.length);
scopes(request).forEach((scope, i) => hideRandom(scope, scopes(wanted.request)[i]));
assert.deepStrictEqual(request, wanted.request);
assert.deepStrictEqual({ replaced: inputs.replaced, cut: inputs.cut },
	{ replaced: wanted.replaced, cut: wanted.cut });
console.log(`${inputs.spans.length} spans of ${request.resourceSpans.length} services, ` +
	`${inputs.replaced} bytes replaced, ${inputs.cut} texts cut`);
