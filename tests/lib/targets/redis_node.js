// SPDX-License-Identifier: Apache-2.0
//
// node-redis: after a line on standard input, connections that ask without waiting for answers, so that
// what is said in one turn of the event loop goes out as a pipeline.
//
//   node redis_node.js PORT CONNECTIONS ROUNDS      NODE_PATH: where the package is
//
// Prints each command: its name, the database, and the first word of the error that it was answered by.

'use strict'
const { createClient } = require('redis')

const [port, connections, rounds] = process.argv.slice(2).map(Number)
const DATABASE = 2
const asked = []

const note = (name, status = '-', database = DATABASE) =>
	asked.push(`${name} ${database} ${status}`)

const ask = (client, name, ...words) => {
	note(name)
	return client.sendCommand([name, ...words])
}

async function fails(client, status, name, ...words) {
	note(name, status)
	await client.sendCommand([name, ...words]).then(
		() => { throw new Error(`${name} did not fail`) },
		() => {})
}

async function talk(number) {
	const client = createClient({ socket: { host: '127.0.0.1', port }, database: DATABASE })
	const key = `n${number}`

	client.on('error', error => { throw error })
	note('SELECT', '-', 0)
	await client.connect()
	for (let i = 0; i < rounds; i++) {
		await ask(client, 'SET', key, 'x'.repeat(50000))
		const values = []
		for (let j = 0; j < 40; j++)
			values.push(ask(client, 'SET', key + j, `${j}`), ask(client, 'GET', key + j))
		await Promise.all([...values, fails(client, 'WRONGTYPE', 'LPUSH', key, 'x'),
			ask(client, 'GET', key)])
		note('MULTI')
		note('INCR')
		note('EXEC')
		await client.multi().incr(key + 'counter').exec()
		await ask(client, 'BLPOP', 'none', '0.01')
	}
	note('QUIT')
	await client.quit()
}

process.stdin.once('data', async () => {
	await Promise.all(Array.from({ length: connections }, (_, i) => talk(i)))
	console.log(asked.join('\n'))
	process.exit(0)
})
