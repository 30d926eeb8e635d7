// Helia, an IPFS implementation that shares no code with this project, against the real worker: the same
// CIDs, and content by Bitswap in both directions.
//
//   npm ci --prefix tests/js && BLYAN_WORKER=path/to/blyan-worker node --test tests/js/helia.test.mjs
import { cat, IMPORT, startHelia } from './helia-node.mjs';
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { multiaddr } from '@multiformats/multiaddr';
import { CID } from 'multiformats/cid';

const worker = process.env.BLYAN_WORKER;
assert.ok(worker, 'BLYAN_WORKER names the worker to test');
const run = promisify(execFile);
const DEADLINE = 120_000;
const LEAF = 262_144;

/** Bytes of which every leaf differs from every other. */
const sample = (length) => {
  const bytes = Buffer.alloc(length);
  let state = 0x9e3779b9;
  for (let i = 0; i + 4 <= length; i += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes.writeUInt32LE(state, i);
  }
  return bytes;
};

let folder, node;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blyan-helia-'));
  node = await startHelia();
});

after(async () => {
  await node?.helia.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const store = (name, ...args) => run(worker, ['store', '--store', join(folder, name), ...args]);

async function add(name, bytes) {
  const file = join(folder, `${name}.bytes`);
  await writeFile(file, bytes);
  return (await store(name, 'add', file)).stdout.trim();
}

/** A process that serves a store; resolves with the address that it prints. */
async function serve(name) {
  const child = spawn(worker, ['store', '--store', join(folder, name), 'serve'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  const { value: address } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  return { address: multiaddr(address), stop: async () => { child.kill('SIGTERM'); return ended; } };
}

for (const length of [0, 1, LEAF, LEAF + 1, 60 * 1024 * 1024]) {
  test(`Helia's importer gives the CID of \`store add\` for ${length} bytes`, { timeout: DEADLINE }, async () => {
    const bytes = sample(length);
    const expected = await node.files.addBytes(bytes, IMPORT);
    assert.equal(await add(`same-${length}`, bytes), expected.toString());
  });
}

test('Helia dials a worker and fetches an expert by its CID', { timeout: DEADLINE }, async () => {
  const { helia, files } = await startHelia();
  const bytes = sample(60 * 1024 * 1024 + 5);
  const cid = await add('expert', bytes);
  const serving = await serve('expert');
  try {
    await helia.libp2p.dial(serving.address);
    const fetched = await cat(files, CID.parse(cid), DEADLINE);
    assert.ok(fetched.equals(bytes), 'the bytes are the same');
  } finally {
    await helia.stop();
    assert.equal(await serving.stop(), 0, 'the worker ends well');
  }
});

test('Helia is told at once that a worker does not have a block', { timeout: DEADLINE }, async () => {
  const { helia, files } = await startHelia();
  const serving = await serve('nothing');
  try {
    await helia.libp2p.dial(serving.address);
    const absent = CID.parse(await add('elsewhere', sample(7)));
    await assert.rejects(cat(files, absent, 3_000));
    const small = CID.parse(await add('nothing', sample(9)));
    assert.ok((await cat(files, small, DEADLINE)).equals(sample(9)), 'and still gets what was added since');
  } finally {
    await helia.stop();
    await serving.stop();
  }
});

test('a worker fetches from Helia, and goes on from a worker to Helia', { timeout: DEADLINE }, async () => {
  const bytes = sample(20 * LEAF + 77);
  const cid = await node.files.addBytes(bytes, IMPORT);
  const from = node.helia.libp2p.getMultiaddrs()[0].toString();
  const { stdout } = await store('fetched', 'get', cid.toString(), '--from', from, '--timeout-seconds', '60');
  assert.ok((await readFile(stdout.trim())).equals(bytes));
  assert.match((await store('fetched', 'verify')).stdout, /^1 files are sound/);

  const { helia, files } = await startHelia();
  const serving = await serve('fetched');
  try {
    await helia.libp2p.dial(serving.address);
    assert.ok((await cat(files, cid, DEADLINE)).equals(bytes));
  } finally {
    await helia.stop();
    await serving.stop();
  }
});
