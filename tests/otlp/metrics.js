// SPDX-License-Identifier: Apache-2.0
//
// Collections of metrics, decoded by the official definitions, held against the rules of the
// specification and against what was measured.
//
//   NODE_PATH=build/otlp/node_modules node tests/otlp/metrics.js cumulative|delta DIRECTORY
//
// Status 1 with a line for each fault.
'use strict';
const fs = require('fs');
const path = require('path');
const { decode } = require('./decode');
const rules = require('./rules');

const [temporality, directory] = process.argv.slice(2);
const expected = JSON.parse(fs.readFileSync(path.join(directory, 'expected.json'), 'utf8'));
const faults = [];

function fault(condition, text) {
	if (!condition)
		faults.push(text);
}

const KINDS = { took: ['histogram', 'exponentialHistogram'], things: ['sum'], alive: ['gauge'] };

// Adds the points of a request to those of the cycle: by metric and attributes.
function take(request, points) {
	for (const { scopeMetrics } of request.resourceMetrics || []) {
		for (const metric of scopeMetrics.flatMap((scope) => scope.metrics)) {
			const kind = (KINDS[metric.name] || []).find((name) => metric[name]);
			fault(kind, `metric ${metric.name} is not of its kind`);
			for (const point of metric[kind].dataPoints) {
				const labels = (point.attributes || []).map(({ key, value }) => [key, Object.values(value)[0]]);
				const key = `${metric.name} ${JSON.stringify(labels)}`;
				fault(!points.has(key), `${key} twice in a collection`);
				points.set(key, { name: metric.name, labels: Object.fromEntries(labels), ...point });
			}
			if (kind === 'sum')
				fault(metric.sum.isMonotonic === true, `${metric.name} is not monotonic`);
		}
	}
}

function read(cycle) {
	const points = new Map();
	const files = fs.readdirSync(directory).filter((name) => name.startsWith(`${cycle}.`)).sort();
	fault(files.length > 1, `cycle ${cycle} is not divided`);
	for (const file of files) {
		const request = decode('metrics', fs.readFileSync(path.join(directory, file)));
		faults.push(...rules.metrics(request).map((line) => `${file}: ${line}`));
		take(request, points);
	}
	return points;
}

// Start times: constant, or where the last point ended.
function checkTimes(key, point, before) {
	if (point.name === 'alive')
		return;
	if (!before)
		return;
	if (temporality === 'delta')
		fault(point.startTimeUnixNano === before.timeUnixNano, `${key}: a gap before this delta`);
	else
		fault(point.startTimeUnixNano === before.startTimeUnixNano, `${key}: its start has changed`);
	fault(BigInt(point.timeUnixNano) > BigInt(before.timeUnixNano), `${key}: time stands still`);
}

function value(point) {
	return point.name === 'took' ? [BigInt(point.count), point.sum] : [BigInt(point.asInt), 0];
}

const last = new Map();
const totals = new Map();
for (let cycle = 0; cycle < expected.length; cycle++) {
	for (const [key, point] of read(cycle)) {
		checkTimes(key, point, last.get(key));
		last.set(key, point);
		const [count, sum] = value(point);
		const [countBefore, sumBefore] = totals.get(key) || [0n, 0];
		if (temporality === 'delta')
			totals.set(key, [countBefore + count, sumBefore + sum]);
		else
			totals.set(key, [count, sum]);
		fault(temporality === 'delta' || count >= countBefore, `${key}: went back`);
		if (point.name === 'took')
			fault(point.exemplars && point.exemplars.length, `${key}: no exemplars`);
	}
	expected[cycle].forEach(([count, ns], route) => {
		const labels = JSON.stringify([['http.route', `/${route}`], ['server.port', '80']]);
		const took = totals.get(`took ${labels}`) || [0n, 0];
		const things = totals.get(`things ${labels}`) || [0n, 0];
		fault(took[0] === BigInt(count), `cycle ${cycle}, route ${route}: ${took[0]} instead of ${count}`);
		fault(things[0] === BigInt(count), `cycle ${cycle}, route ${route}: ${things[0]} things instead of ${count}`);
		fault(Math.abs(took[1] - ns / 1e9) < 1e-6, `cycle ${cycle}, route ${route}: ${took[1]} s instead of ${ns} ns`);
	});
}
fault([...last.keys()].some((key) => key.startsWith('alive')), 'no gauge');
faults.slice(0, 20).forEach((line) => console.error(line));
process.exitCode = faults.length ? 1 : 0;
