// A Helia node over TCP, and its UnixFS importer set as `ipfs add --cid-version=1` has it.
import './withresolvers.mjs';
import { bitswap } from '@helia/block-brokers';
import { unixfs } from '@helia/unixfs';
import { Helia } from '@helia/utils';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { identify } from '@libp2p/identify';
import { tcp } from '@libp2p/tcp';
import { MemoryBlockstore } from 'blockstore-core';
import { MemoryDatastore } from 'datastore-core';
import { fixedSize } from 'ipfs-unixfs-importer/chunker';
import { balanced } from 'ipfs-unixfs-importer/layout';
import { createLibp2p } from 'libp2p';

export const IMPORT = {
  cidVersion: 1,
  rawLeaves: true,
  reduceSingleLeafToSelf: true,
  chunker: fixedSize({ chunkSize: 262_144 }),
  layout: balanced({ maxChildrenPerNode: 174 }),
};

export async function startHelia() {
  const datastore = new MemoryDatastore();
  const libp2p = await createLibp2p({
    datastore,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  });
  const helia = new Helia({
    libp2p,
    datastore,
    blockstore: new MemoryBlockstore(),
    blockBrokers: [bitswap()],
    routers: [],
  });
  await helia.start();
  return { helia, files: unixfs(helia) };
}

/** The bytes of a file, fetched by Bitswap if they are not here. */
export async function cat(files, cid, milliseconds) {
  const chunks = [];
  for await (const chunk of files.cat(cid, { signal: AbortSignal.timeout(milliseconds) })) chunks.push(chunk);
  return Buffer.concat(chunks);
}
