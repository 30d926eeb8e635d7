// Watches a chain and prints how far apart its blocks are and how long each takes to become final.
//
//   npm ci --prefix tests/js && node tests/js/blocks.mjs ws://127.0.0.1:9944 200
//
// The last line is JSON: blocks, and per figure the median, 95th percentile and maximum in milliseconds.
import { ApiPromise, WsProvider } from '@polkadot/api';

const [url, wanted] = [process.argv[2], Number(process.argv[3])];
if (!url || !Number.isInteger(wanted) || wanted < 2) {
  console.error('usage: node tests/js/blocks.mjs WS_URL BLOCKS, such as ws://127.0.0.1:9944 200');
  process.exit(2);
}
const api = await ApiPromise.create({ provider: new WsProvider(url), noInitWarn: true });
const [imported, final] = [new Map(), new Map()];
const finished = new Promise((resolve) => {
  api.rpc.chain.subscribeNewHeads(({ number }) => {
    if (!imported.has(number.toNumber())) imported.set(number.toNumber(), performance.now());
  });
  api.rpc.chain.subscribeFinalizedHeads(({ number }) => {
    const at = performance.now();
    // One vote may make several blocks final; each is reported.
    final.set(number.toNumber(), at);
    if (process.stderr.isTTY) process.stderr.write(`\r${final.size}/${wanted} blocks `);
    if (final.size > wanted) resolve();
  });
});
await finished;
if (process.stderr.isTTY) process.stderr.write('\n');
await api.disconnect();

const summary = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  return { median: at(0.5), p95: at(0.95), maximum: at(1) };
};
const heights = [...imported.keys()].sort((a, b) => a - b);
const between = heights.slice(1).map((height, i) => imported.get(height) - imported.get(heights[i]));
const lag = [...final].filter(([height]) => imported.has(height)).map(([height, at]) => at - imported.get(height));
console.log(JSON.stringify({ blocks: final.size, between_blocks: summary(between), import_to_finality: summary(lag) }));
