// A process that changes a local store without end and says which changes were acked; the test kills it.
// usage: node writer.ts DIR FIRST    (first: number of the first round)
import { writeSync } from 'node:fs';
import { ownCtx } from '../../src/core/ctx.ts';
import type { Mutation } from '../../src/core/mutation.ts';
import { createLocalStore } from '../../src/stores/local/local-store.ts';
import { bodyOfBytes } from '../contract/fixture.ts';
import { contentOfRound } from './rounds.ts';

const [dir, first] = process.argv.slice(2);
const store = await createLocalStore({ name: 'local', dir: dir!, fsync: false });

async function acked(name: string, round: number, mutations: Mutation[]): Promise<void> {
  for (const mutation of mutations) await store.mutate(mutation, ownCtx('crash'));
  writeSync(1, `${name} ${round}\n`);
}

async function replaceFiles(round: number): Promise<void> {
  const content = contentOfRound(round);
  const attributes = { properties: { round: String(round) } };
  await acked('create', round, [
    { verb: 'create', path: '/lake/file', parents: 'all', body: bodyOfBytes(content), attributes },
  ]);
  const half = Math.floor(content.length / 2);
  const path = '/lake/upload';
  await acked('upload', round, [
    { verb: 'create', path, parents: 'all', upload: true, attributes },
    { verb: 'stage', path, position: half, body: bodyOfBytes(content.subarray(half)) },
    { verb: 'stage', path, position: 0, body: bodyOfBytes(content.subarray(0, half)) },
    { verb: 'flush', path, position: content.length, retain: false, close: true },
  ]);
}

async function growLog(round: number): Promise<void> {
  const body = bodyOfBytes(`${String(round).padStart(9, '0')}\n`);
  await acked('append', round, [{ verb: 'append', path: '/lake/log', body }]);
}

async function moveFolders(round: number): Promise<void> {
  const [path, destination] = round % 2 === 0 ? ['/lake/even', '/lake/odd'] : ['/lake/odd', '/lake/even'];
  const rename = { verb: 'rename', replace: 'any', intoDirectory: false } as const;
  await acked('rename', round, [{ ...rename, path, destination }]);
  const target = '/lake/target';
  // A folder in place of a file and the other way round: the kernel cannot do either in one step.
  await acked('replace', round, [
    { verb: 'create', path: target, parents: 'all', body: bodyOfBytes('stood here') },
    { verb: 'create', path: '/lake/folder/inside', parents: 'all' },
    { ...rename, path: '/lake/folder', destination: target },
    { verb: 'delete', path: target, recursive: true },
  ]);
}

for (let round = Number(first); ; round++) {
  await replaceFiles(round);
  await growLog(round);
  await moveFolders(round);
}
