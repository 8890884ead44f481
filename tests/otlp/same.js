// SPDX-License-Identifier: Apache-2.0
//
// Is this OTLP/JSON what the official definitions make of the request?
//
//   NODE_PATH=build/otlp/node_modules node tests/otlp/same.js traces|metrics JSON REQUEST
'use strict';
const assert = require('assert');
const fs = require('fs');
const { decode } = require('./decode');

const [signal, json, request] = process.argv.slice(2);

assert.deepStrictEqual(JSON.parse(fs.readFileSync(json)), decode(signal, fs.readFileSync(request)));
