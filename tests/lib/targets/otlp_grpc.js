// SPDX-License-Identifier: Apache-2.0
//
// A program that asks a server and exports by the SDK's own OTLP over gRPC:
//
//   node otlp_grpc.js SERVER COLLECTOR      NODE_PATH: where the packages are
//
// GET /before, a span is exported, GET /traced, metrics are exported, GET /after.

'use strict'
const http = require('http')
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-grpc')
const { OTLPMetricExporter } = require('@opentelemetry/exporter-metrics-otlp-grpc')
const { BasicTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base')
const { MeterProvider, PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics')

const [server, url] = process.argv.slice(2)
const wait = ms => new Promise(done => setTimeout(done, ms))

const get = path => new Promise((done, failed) =>
	http.get(server + path, answer => answer.resume().on('end', done)).on('error', failed))

async function main() {
	const traces = new BasicTracerProvider({
		spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter({ url }))],
	})
	const reader = new PeriodicExportingMetricReader({
		exporter: new OTLPMetricExporter({ url }),
		exportIntervalMillis: 3600000,
	})
	const metrics = new MeterProvider({ readers: [reader] })
	await wait(1000)
	await get('/before')
	traces.getTracer('test').startSpan('own').end()
	await traces.forceFlush()
	await wait(500)
	await get('/traced')
	metrics.getMeter('test').createCounter('own').add(1)
	await metrics.forceFlush()
	await wait(500)
	await get('/after')
	process.exit(0)
}

main()
