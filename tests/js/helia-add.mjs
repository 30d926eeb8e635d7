// How long Helia takes to add a file: prints MB/s. `node helia-add.mjs FILE`
import { IMPORT, startHelia } from './helia-node.mjs';
import { readFile } from 'node:fs/promises';

const bytes = await readFile(process.argv[2]);
const { helia, files } = await startHelia();
const begun = performance.now();
const cid = await files.addBytes(bytes, IMPORT);
const seconds = (performance.now() - begun) / 1_000;
console.log(JSON.stringify({ cid: cid.toString(), megabytes_per_second: bytes.length / 1e6 / seconds }));
await helia.stop();
