// The contract suite over every stack-up without a gateway: stores, layers, and each client through its face.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createLocalStore } from '../src/stores/local/local-store.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { type ContractOptions, storeContract } from './contract/store-contract.ts';
import { appendOnly } from './stacks/append-only.ts';
import { layered } from './stacks/layered.ts';
import { noExpiry, noGaps, noProperties } from './stacks/left-out.ts';
import { bare, on } from './stacks/stack.ts';
import { throughWire, tickingMemory } from './stacks/wire-stacks.ts';

const stacks: ContractOptions[] = [
  { name: 'memory', open: async () => bare(createMemoryStore({ name: 'memory' })) },
  {
    name: 'local',
    async open() {
      const dir = await mkdtemp(join(tmpdir(), 'twinlake-local-'));
      const close = () => rm(dir, { recursive: true });
      return on({ close }, await createLocalStore({ name: 'local', dir, fsync: false }));
    },
  },
  { name: 'all layers over memory', open: async () => bare(layered(createMemoryStore({ name: 'memory' }))) },
  {
    name: 'all layers over a memory that only appends',
    open: async () => bare(layered(appendOnly())),
    without: noGaps,
  },
  {
    name: 'webhdfs client → face → memory',
    open: () => throughWire('webhdfs', tickingMemory()),
  },
  {
    name: 'all layers over webhdfs client → face → memory',
    async open() {
      const wire = await throughWire('webhdfs', tickingMemory());
      return { ...wire, store: layered(wire.store) };
    },
    without: noGaps,
  },
  {
    name: 'all layers over gen1 client → face → memory',
    async open() {
      const wire = await throughWire('gen1', tickingMemory());
      return { ...wire, store: layered(wire.store) };
    },
    without: [...noGaps, ...noExpiry, ...noProperties],
  },
  {
    name: 'gen2 client → face → memory',
    open: () => throughWire('gen2', tickingMemory('filesystems')),
    without: noExpiry,
  },
];

t.setTimeout(120_000);

for (const stack of stacks) await storeContract(t, stack);
