// SPDX-License-Identifier: Apache-2.0
// For node, bun and deno. Waits for a line, then asks by fetch(): client.mjs PORT COUNT
import process from 'node:process';

const [port, count] = process.argv.slice(2).map(Number);

process.stdin.once('data', async () => {
	for (let i = 0; i < count; i++) {
		const answer = await fetch(`http://127.0.0.1:${port}/asked/${i}`);

		await answer.text();
		if (answer.status !== 200)
			process.exit(1);
	}
	process.exit(0);
});
