// SPDX-License-Identifier: Apache-2.0
//
// Rules of the OTLP specification and of the comments in its definitions. Each function takes a
// request in OTLP/JSON form and returns a line for each rule that is broken.
'use strict';

const UNSPECIFIED = 0;
const DELTA = 1;
const CUMULATIVE = 2;

function duplicates(keys) {
	const seen = new Set();
	return keys.filter((key) => seen.size === seen.add(key).size);
}

function checkAttributes(attributes, where, broken) {
	const keys = (attributes || []).map((attribute) => attribute.key);
	for (const key of duplicates(keys))
		broken.push(`${where}: attribute ${key} twice`);
	for (const attribute of attributes || []) {
		if (!attribute.key)
			broken.push(`${where}: an attribute without a key`);
		if (!attribute.value || Object.keys(attribute.value).length !== 1)
			broken.push(`${where}: attribute ${attribute.key} has no single value`);
	}
}

function checkId(id, bytes, where, broken) {
	if (!new RegExp(`^[0-9a-f]{${2 * bytes}}$`).test(id || '') || /^0*$/.test(id))
		broken.push(`${where}: id ${id} is not ${bytes} bytes that are not all zero`);
}

function checkOrder(start, end, where, broken) {
	if (BigInt(start || 0) > BigInt(end || 0))
		broken.push(`${where}: begins at ${start}, ends at ${end}`);
}

// Resources of one service are one; its name is required.
function checkResources(list, broken) {
	for (const { resource } of list) {
		checkAttributes(resource && resource.attributes, 'resource', broken);
		const keys = ((resource && resource.attributes) || []).map((a) => a.key);
		if (!keys.includes('service.name'))
			broken.push('resource: no service.name');
	}
	for (const text of duplicates(list.map(({ resource }) => JSON.stringify(resource))))
		broken.push(`resource twice: ${text}`);
}

function checkSpan(span, broken) {
	const where = `span ${span.name}`;
	checkId(span.traceId, 16, where, broken);
	checkId(span.spanId, 8, where, broken);
	if (span.parentSpanId !== undefined)
		checkId(span.parentSpanId, 8, where, broken);
	if (span.parentSpanId === span.spanId)
		broken.push(`${where}: is its own parent`);
	if (!(span.kind >= 1 && span.kind <= 5))
		broken.push(`${where}: kind ${span.kind}`);
	if (!span.startTimeUnixNano || span.startTimeUnixNano === '0')
		broken.push(`${where}: no start`);
	checkOrder(span.startTimeUnixNano, span.endTimeUnixNano, where, broken);
	checkAttributes(span.attributes, where, broken);
	if (span.status && span.status.code > 2)
		broken.push(`${where}: status ${span.status.code}`);
	if (span.status && span.status.message && span.status.code !== 2)
		broken.push(`${where}: a message beside status ${span.status.code}`);
	if ((span.flags & ~0x3ff) || (span.flags & 0x200 && !(span.flags & 0x100)))
		broken.push(`${where}: flags ${span.flags}`);
}

function traces(request) {
	const broken = [];
	const resources = request.resourceSpans || [];
	checkResources(resources, broken);
	const spans = resources.flatMap((r) => r.scopeSpans || []).flatMap((s) => s.spans || []);
	spans.forEach((span) => checkSpan(span, broken));
	for (const id of duplicates(spans.map((span) => `${span.traceId}/${span.spanId}`)))
		broken.push(`span id twice: ${id}`);
	return broken;
}

function sum(counts) {
	return (counts || []).reduce((total, count) => total + BigInt(count), 0n);
}

function checkHistogramPoint(point, where, broken) {
	const counts = point.bucketCounts || [];
	const bounds = point.explicitBounds || [];
	if (counts.length && counts.length !== bounds.length + 1)
		broken.push(`${where}: ${counts.length} buckets, ${bounds.length} bounds`);
	if (bounds.some((bound, i) => i && bounds[i - 1] >= bound))
		broken.push(`${where}: bounds ${bounds} do not ascend`);
	if (counts.length && sum(counts) !== BigInt(point.count || 0))
		broken.push(`${where}: count ${point.count}, in buckets ${sum(counts)}`);
}

function checkExponentialPoint(point, where, broken) {
	const buckets = ['positive', 'negative'].map((side) => (point[side] || {}).bucketCounts);
	const total = buckets.map(sum).reduce((a, b) => a + b) + BigInt(point.zeroCount || 0);
	if (total !== BigInt(point.count || 0))
		broken.push(`${where}: count ${point.count}, in buckets ${total}`);
}

function checkNumberPoint(point, where, broken) {
	if ((point.asInt === undefined) === (point.asDouble === undefined))
		broken.push(`${where}: a point without a single value`);
}

function checkExemplars(point, where, broken) {
	for (const exemplar of point.exemplars || []) {
		checkAttributes(exemplar.filteredAttributes, where, broken);
		if (exemplar.traceId !== undefined)
			checkId(exemplar.traceId, 16, where, broken);
		if (exemplar.spanId !== undefined)
			checkId(exemplar.spanId, 8, where, broken);
	}
}

const KINDS = {
	gauge: checkNumberPoint,
	sum: checkNumberPoint,
	histogram: checkHistogramPoint,
	exponentialHistogram: checkExponentialPoint,
	summary: () => {},
};

function series(point) {
	const labels = (point.attributes || []).map((a) => JSON.stringify([a.key, a.value]));
	return labels.sort().join();
}

function checkMetric(metric, broken) {
	const where = `metric ${metric.name}`;
	const kinds = Object.keys(KINDS).filter((kind) => metric[kind]);
	if (!metric.name || kinds.length !== 1) {
		broken.push(`${where}: kinds ${kinds}`);
		return;
	}
	const data = metric[kinds[0]];
	const temporal = kinds[0] !== 'gauge' && kinds[0] !== 'summary';
	if (temporal && ![DELTA, CUMULATIVE].includes(data.aggregationTemporality || UNSPECIFIED))
		broken.push(`${where}: temporality ${data.aggregationTemporality}`);
	const points = data.dataPoints || [];
	if (!points.length)
		broken.push(`${where}: no points`);
	for (const point of points) {
		checkAttributes(point.attributes, where, broken);
		checkOrder(point.startTimeUnixNano, point.timeUnixNano, where, broken);
		if (!point.timeUnixNano || point.timeUnixNano === '0')
			broken.push(`${where}: a point without a time`);
		if (temporal && !(BigInt(point.startTimeUnixNano || 0) > 0n))
			broken.push(`${where}: a point without a start`);
		checkExemplars(point, where, broken);
		KINDS[kinds[0]](point, where, broken);
	}
	for (const labels of duplicates(points.map(series)))
		broken.push(`${where}: series twice: ${labels}`);
}

function metrics(request) {
	const broken = [];
	const resources = request.resourceMetrics || [];
	checkResources(resources, broken);
	for (const resource of resources) {
		for (const scope of resource.scopeMetrics || []) {
			const list = scope.metrics || [];
			list.forEach((metric) => checkMetric(metric, broken));
			for (const name of duplicates(list.map((metric) => metric.name)))
				broken.push(`metric twice: ${name}`);
		}
	}
	return broken;
}

module.exports = { traces, metrics };
