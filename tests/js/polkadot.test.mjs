// Polkadot.js against a real node: decoded storage, a whole round driven by an independent client,
// a transfer to finality.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import { blake2AsU8a } from '@polkadot/util-crypto';
import { hexToU8a, stringToU8a, u8aConcat } from '@polkadot/util';
import { startNode } from './node.mjs';

const SECONDS = 1_000;
const DEADLINE = 180 * SECONDS;
const BLY = 1_000_000_000_000n;

let node, api, accounts;

before(async () => {
  node = await startNode();
  api = await ApiPromise.create({ provider: new WsProvider(node.url, 500), noInitWarn: true });
  const keyring = new Keyring({ type: 'sr25519' });
  accounts = Object.fromEntries(
    ['Alice', 'Bob', 'Charlie', 'Dave', 'Eve', 'Ferdie'].map((name) => [name, keyring.addFromUri(`//${name}`)]),
  );
});

after(async () => {
  await api?.disconnect();
  await node?.stop();
});

/** Sends a call and resolves with its events once it is in a block, or finalized. */
function send(call, account, until = 'isInBlock') {
  return new Promise((resolve, reject) => {
    call.signAndSend(account, ({ status, events, dispatchError }) => {
      if (dispatchError) {
        const { section, name } = dispatchError.isModule
          ? api.registry.findMetaError(dispatchError.asModule)
          : { section: 'system', name: dispatchError.toString() };
        reject(new Error(`${section}.${name}`));
      } else if (status[until]) {
        resolve({ events: events.map(({ event }) => event), hash: until === 'isFinalized' ? status.asFinalized : status.asInBlock });
      } else if (status.isDropped || status.isInvalid || status.isUsurped) {
        reject(new Error(status.type));
      }
    }).catch(reject);
  });
}

/** Resolves with the first event for which `wanted` holds. */
function waitFor(wanted) {
  return new Promise((resolve, reject) => {
    let stop = () => {};
    const timer = setTimeout(() => { stop(); reject(new Error('the event did not come in time')); }, DEADLINE);
    api.query.system.events((records) => {
      const found = records.map(({ event }) => event).find(wanted);
      if (found) {
        clearTimeout(timer);
        stop();
        resolve(found);
      }
    }).then((unsubscribe) => { stop = unsubscribe; }, reject);
  });
}

const hash = (byte) => `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;
const block = (component, kind, parents, byte) => ({
  component, kind, parents,
  content: { codec: 'Raw', digest: hash(byte) },
  bytes: 4096,
  format: 'TensorBlock',
  manifestHash: hash(byte),
});

/** The envelope of a submission, with the proof of work that the chain's parameters ask for. */
async function envelope(account, model, blocks, seal) {
  const bits = (await api.query.proofOfLearning.parameters()).workBits.toNumber();
  const header = await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead());
  const challenge = blake2AsU8a(u8aConcat(
    stringToU8a('blyan/work'),
    account.publicKey,
    api.createType('u32', model).toU8a(),
    api.createType('Vec<H256>', blocks).toU8a(),
    hexToU8a(seal),
    header.hash.toU8a(),
  ), 256);
  const zeros = (bytes) => {
    const first = bytes.findIndex((byte) => byte !== 0);
    return first < 0 ? 8 * bytes.length : 8 * first + Math.clz32(bytes[first]) - 24;
  };
  const attempt = new Uint8Array(40);
  attempt.set(challenge);
  const view = new DataView(attempt.buffer);
  let work = 0;
  while (zeros(blake2AsU8a(attempt, 256)) < bits) {
    work += 1;
    view.setUint32(32, work, true);
  }
  return { seal, work, anchor: header.number.toNumber() };
}

test('the chain presents itself', async () => {
  assert.equal(api.runtimeVersion.specName.toString(), 'blyan');
  assert.equal(api.registry.chainTokens[0], 'BLY');
  assert.equal(api.registry.chainDecimals[0], 12);
  const issuance = (await api.query.balances.totalIssuance()).toBigInt();
  assert.ok(issuance <= 250_000_000n * BLY && issuance > 249_999_000n * BLY, `${issuance}`);
});

test('a round is followed from submission to verdict', { timeout: DEADLINE }, async () => {
  const { Alice, Bob, Charlie, Dave, Eve } = accounts;
  const worker = (roles, machine) => api.tx.workers.register(
    { trainer: false, evaluator: false, auditor: false, server: false, ...roles },
    hash(machine), hash(machine), 'http://127.0.0.1:1', 1_000n * BLY);
  await Promise.all([
    send(worker({ trainer: true }, 1), Bob),
    ...[Charlie, Dave, Eve].map((account, i) => send(worker({ evaluator: true }, 2 + i), account)),
  ]);

  const registered = await send(api.tx.expertDag.registerModel('tiny', {
    layers: 1, experts: { min: 1, current: 1, max: 1 }, topK: 1, dModel: 8, dFf: 8, heads: 2,
    vocabulary: 256, context: 16, tokenizer: 'Bytes', kvHeads: 2, headWidth: 4, ropeTheta: 10_000,
    normEpsilon: 10_000, queryKeyNorm: 'None', qkvBias: false, qkvClipMilli: null, gating: 'Chosen',
    sharedDFf: null, tiedHead: false,
  }), Alice);
  const model = registered.events.find((event) => api.events.expertDag.ModelRegistered.is(event)).data.model;
  const parts = ['Backbone', { Router: { layer: 0 } }, { Expert: { layer: 0, index: 0 } }];
  await send(api.tx.expertDag.addGenesisBlocks(model, parts.map((part, i) => block(part, 'Genesis', [], 10 + i))), Alice);
  const pool = { content: { codec: 'Raw', digest: hash(9) }, shardBytes: 16, domains: [{ name: 'all', shards: 8 }] };
  const gate = { zMilli: 2326, delta: 1_000_000, rho: 20_000_000, tolerance: 1_000_000, shardsPerDomain: 4 };
  // No reference evaluator: rounds settle as soon as they are revealed.
  const referee = hash(0);
  await send(api.tx.proofOfLearning.openTraining(model, pool, gate, referee), Alice);

  // Storage, by its decoded types.
  const stored = (await api.query.expertDag.models(model)).unwrap();
  assert.equal(stored.architecture.dModel.toNumber(), 8);
  assert.equal(stored.generation.toNumber(), 0);
  const head = await api.query.expertDag.heads(model, 2);
  const record = (await api.query.expertDag.blocks(head.unwrap())).unwrap();
  assert.ok(record.block.component.isExpert);
  assert.equal(record.block.content.digest.toHex(), hash(12));

  const drawn = waitFor((event) => api.events.proofOfLearning.RoundDrawn.is(event));
  const update = block({ Expert: { layer: 0, index: 0 } }, 'Update', [head.unwrap().toHex()], 20);
  // A development chain asks for no proof of work; this one shall, so that others are seen to make it too.
  const parameters = (await api.query.proofOfLearning.parameters()).toJSON();
  await send(api.tx.sudo.sudo(api.tx.proofOfLearning.forceSetParameters({ ...parameters, workBits: 12 })), Alice);
  const without = api.tx.proofOfLearning.submit(model, [update], { seal: hash(21), work: 0, anchor: 0 });
  await assert.rejects(send(without, Bob), /proofOfLearning\.Work/, 'a submission without work must be refused');
  // A block's id is the hash of its record.
  const Record = record.block.constructor;
  const id = new Record(api.registry, { model, ...update, trainer: Bob.address }).hash;
  const sealed = await envelope(Bob, model, [id], hash(21));
  const submitted = await send(api.tx.proofOfLearning.submit(model, [update], sealed), Bob);
  const { round, blocks } = submitted.events.find((event) => api.events.proofOfLearning.SubmissionReceived.is(event)).data;
  const { attempt, committee } = (await drawn).data;
  assert.equal(committee.length, 3);
  assert.ok(!committee.some((member) => member.eq(Bob.address)), 'the trainer must not measure its own work');

  // What each evaluator found; the salt and the account make every commitment another.
  const finding = api.createType(
    api.tx.proofOfLearning.reveal.meta.args[1].type.toString(),
    { Measured: { baseline: 3_000_000_000, gain: 50_000_000, standardError: 1_000_000, domainGains: [50_000_000], lossesRoot: hash(7) } },
  );
  const members = Object.values(accounts).filter(({ address }) => committee.some((member) => member.eq(address)));
  const salts = members.map((_, i) => new Uint8Array(32).fill(i + 1));
  const commitment = (account, salt) => blake2AsU8a(u8aConcat(
    stringToU8a('blyan/commitment'),
    account.publicKey,
    api.createType('u64', round).toU8a(),
    api.createType('u32', attempt).toU8a(),
    api.createType('Vec<H256>', blocks).toU8a(),
    finding.toU8a(),
    salt,
  ), 256);
  const closed = waitFor((event) => api.events.proofOfLearning.RoundClosed.is(event));
  await Promise.all(members.map((account, i) =>
    send(api.tx.proofOfLearning.commit(round, commitment(account, salts[i])), account)));
  await assert.rejects(
    send(api.tx.proofOfLearning.reveal(round, finding, new Uint8Array(32)), members[0]),
    /proofOfLearning\.\w+/, 'a reveal that does not match must be refused');
  await Promise.all(members.map((account, i) =>
    send(api.tx.proofOfLearning.reveal(round, finding, salts[i]), account)));

  const { verdict } = (await closed).data;
  assert.ok(verdict.isAccepted, verdict.toString());
  const newHead = (await api.query.expertDag.heads(model, 2)).unwrap();
  assert.ok(newHead.eq(blocks[0]), 'the submitted block is head');
  assert.equal((await api.query.expertDag.models(model)).unwrap().generation.toNumber(), 1);
});

test('a dataset is followed from its offer to its approval', { timeout: DEADLINE }, async () => {
  const { Alice, Bob } = accounts;
  const keyring = new Keyring({ type: 'sr25519' });
  const auditors = ['//Charlie//stash', '//Dave//stash'].map((uri) => keyring.addFromUri(uri));
  const roles = { trainer: false, evaluator: false, auditor: true, server: false };
  await Promise.all(auditors.map((account, i) => send(
    api.tx.workers.register(roles, hash(60 + i), hash(60 + i), 'http://127.0.0.1:1', 1_000n * BLY), account)));

  const offer = {
    content: { codec: 'Raw', digest: hash(50) }, documentBytes: 900, bytes: 50_000, samples: 100,
    name: 'jargon-file', version: { major: 4, minor: 4, patch: 7 }, licence: 'CC-PDM-1.0', domain: 'computing',
    languages: ['0x656e67'],
  };
  const drawn = waitFor((event) => api.events.datasets.AuditorsDrawn.is(event));
  // A development chain asks for no proof of work. What is taken costs no fee.
  const offered = await send(api.tx.datasets.offer(offer, { nonce: 0, anchor: 0 }), Alice);
  const success = offered.events.find((event) => api.events.system.ExtrinsicSuccess.is(event));
  assert.ok(success.data.dispatchInfo.paysFee.isNo, 'an offer that is taken costs nothing');
  await assert.rejects(send(api.tx.datasets.offer(offer, { nonce: 0, anchor: 0 }), Bob), /datasets\.DatasetKept/);
  const { dataset, audit, attempt, auditors: committee } = (await drawn).data;
  assert.equal(committee.length, auditors.length);

  const finding = api.createType(api.tx.datasets.reveal.meta.args[1].type.toString(), {
    Report: {
      rules: (await api.query.datasets.parameters()).rules, records: 100, samples: 100, malformed: 0, exactDuplicates: 0,
      duplicates: 48_400, personalData: 0, toxicity: 3_000, knownWork: 0, contamination: 0, lowInformation: 6_100,
      diversity: 889_000, licence: 'Verified', languages: [{ language: '0x656e67', share: 1_000_000 }], expectedGain: null,
    },
  });
  const salt = (i) => new Uint8Array(32).fill(i + 1);
  const commitment = (account, i) => blake2AsU8a(u8aConcat(
    stringToU8a('blyan/dataset-finding'), account.publicKey, dataset.toU8a(), audit.toU8a(), attempt.toU8a(),
    finding.toU8a(), salt(i),
  ), 256);
  const opened = waitFor((event) => api.events.datasets.VoteOpened.is(event));
  await Promise.all(auditors.map((account, i) => send(api.tx.datasets.commit(dataset, commitment(account, i)), account)));
  await assert.rejects(send(api.tx.datasets.reveal(dataset, finding, salt(9)), auditors[0]), /datasets\.RevealMismatch/);
  await Promise.all(auditors.map((account, i) => send(api.tx.datasets.reveal(dataset, finding, salt(i)), account)));
  await opened;

  // What a voter reads before voting, over plain JSON-RPC.
  const call = (method, ...params) => api._rpcCore.provider.send(method, params);
  const page = await call('blyan_datasets', 'vote', null, 10);
  assert.equal(page.datasets.length, 1);
  const cid = page.datasets[0].offer.content;
  const record = await call('blyan_dataset', cid);
  assert.equal(record.report.duplicates, 48_400);
  assert.equal(record.contributor, Alice.address);
  // The CID of nothing at all: nobody offered that.
  assert.equal(await call('blyan_dataset', 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'), null);

  const approved = waitFor((event) => api.events.datasets.DatasetApproved.is(event));
  await send(api.tx.datasets.vote(dataset, true), Bob);
  await assert.rejects(send(api.tx.datasets.vote(dataset, false), Bob), /datasets\.AlreadyVoted/);
  await assert.rejects(send(api.tx.datasets.vote(dataset, true), Alice), /datasets\.(VoterPartial|NotEligible)/);
  await assert.rejects(send(api.tx.datasets.vote(dataset, true), accounts.Ferdie), /datasets\.NotEligible/);
  assert.ok((await approved).data.tier.isGold);
  await send(api.tx.datasets.settleVote(dataset, Bob.address), Alice);
  await assert.rejects(send(api.tx.datasets.settleVote(dataset, Bob.address), Alice), /datasets\.VoteNotFound/);
  assert.equal((await call('blyan_datasets', 'approved', null, 10)).datasets[0].offer.content, cid);
});

test('a transfer is finalized', { timeout: DEADLINE }, async () => {
  const { Alice, Ferdie } = accounts;
  const before = (await api.query.system.account(Ferdie.address)).data.free.toBigInt();
  const { events } = await send(api.tx.balances.transferKeepAlive(Ferdie.address, 5n * BLY), Alice, 'isFinalized');
  assert.ok(events.some((event) => api.events.balances.Transfer.is(event)));
  const now = (await api.query.system.account(Ferdie.address)).data.free.toBigInt();
  assert.equal(now - before, 5n * BLY);
});

test('blyan_* answers over plain JSON-RPC', async () => {
  const call = (method, ...params) => api._rpcCore.provider.send(method, params);
  const [model] = await call('blyan_models', 0, 10);
  assert.equal(model.version.patch, 1);
  const manifest = await call('blyan_manifest', model.id, null, 0, 10);
  assert.equal(manifest.length, 3);
  assert.match(manifest[0].content, /^bafk/);
  const version = await call('blyan_version', model.id, null);
  assert.equal(version.root, model.root);
  assert.equal(version.architecture.d_model, 8);
  const changes = await call('blyan_difference', model.id, 0, 1, 0, 10);
  assert.equal(changes.length, 1);
  assert.deepEqual(changes[0].component, { expert: { layer: 0, index: 0 } });
  assert.deepEqual(await call('blyan_children', changes[0].from, 0, 10), [changes[0].to]);
  const round = await call('blyan_round', 0);
  assert.deepEqual(round.phase, { closed: 'accepted' });
  assert.deepEqual(await call('blyan_disputes', null), []);
  assert.deepEqual(await call('blyan_disputes', 0), []);
  assert.equal(await call('blyan_dispute', 0), null);
  // Nothing was learned from data of which a manifest tells.
  assert.deepEqual(await call('blyan_modelLineage', model.id), { uses: [], next: null });
  assert.deepEqual(await call('blyan_datasetModels', manifest[0].content, null, 10), { uses: [], next: null });
  assert.equal(await call('blyan_datasetUtility', manifest[0].content), null);
  await assert.rejects(call('blyan_modelLineage', model.id, null, 0), /count must be from 1 to 256/);
  await assert.rejects(call('blyan_models', 0, 10_000), /count must be from 1 to 256/);
  assert.equal(await call('blyan_model', 99), null);
});
