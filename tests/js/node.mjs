// Starts a real blyan-node for a test, on free ports, and stops it again.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { existsSync } from 'node:fs';

// A busy machine takes its time to compile the runtime.
const START_DEADLINE = 120_000;

export async function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Resolves once the node answers RPC. */
async function answers(url, alive, log) {
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"id":1,"jsonrpc":"2.0","method":"system_health"}' };
  for (const deadline = Date.now() + START_DEADLINE; Date.now() < deadline;) {
    if (!alive()) throw new Error(`the node ended:\n${log()}`);
    if (await fetch(url, request).then((response) => response.ok, () => false)) return;
    await new Promise((resolve) => { setTimeout(resolve, 200); });
  }
  throw new Error(`the node did not answer in time:\n${log()}`);
}

export async function startNode() {
  const binary = process.env.BLYAN_NODE;
  if (!binary || !existsSync(binary)) {
    throw new Error('set BLYAN_NODE to the blyan-node binary (scripts/test does)');
  }
  const [rpc, p2p, prometheus] = [await freePort(), await freePort(), await freePort()];
  const child = spawn(
    binary,
    ['--dev', '--tmp', '--rpc-port', rpc, '--port', p2p, '--prometheus-port', prometheus, '--no-telemetry', '--no-mdns'].map(String),
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.on('data', (data) => { log = (log + data).slice(-20_000); });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await answers(`http://127.0.0.1:${rpc}`, () => child.exitCode === null, () => log);
  return {
    url: `ws://127.0.0.1:${rpc}`,
    log: () => log,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
