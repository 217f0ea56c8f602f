// One installation for all clients of a suite: where they work without a gateway, and with it while each side is primary.

import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { createServer } from 'node:tls';
import type { Test } from 'tap';
import { devstoreKey } from '../../src/config/secret.ts';
import { adminView, until } from '../end-to-end/admin-view.ts';
import { account } from '../end-to-end/clients.ts';
import { type Lake, routesOf, startLake } from '../end-to-end/lake.ts';
import type { Client, Place, Where } from './client.ts';

const tlsDir = resolve(import.meta.dirname, '../tls');
/** More than one page of every list: Azure's has 5,000 entries. */
const many = { files: 5_100, filesBelow: 30 };
const largeBytes = { ci: 16 * 1024 * 1024, full: 128 * 1024 * 1024 };

/** Names with which clients and servers have had trouble. */
const names = [
  'a b',
  'a+b',
  '50% off',
  '%41',
  'a#b',
  'a?b=c&d',
  `"double" 'single'`,
  'a;b,c=d',
  'Übergrößenträger',
  'e\u0301',
  '日本語',
  '\u{1f600}',
  'n'.repeat(255),
];
const deepPath = `deep/${Array.from({ length: 40 }, (_, i) => `level ${i}`).join('/')}/file`;

/** The installation. */
export interface Workplace {
  lake: Lake;
  /** A fresh root for a client. */
  whereFor(client: Client, place: Place): Promise<Where>;
  /** Makes that side the primary, without a restart. */
  makePrimary(side: 'source' | 'target'): Promise<void>;
}

/** Everything running; ended with the test. */
export async function startWorkplace(t: Test): Promise<Workplace> {
  const lake = await startLake(t, { routes: routesOf({ reads: 'source' }), timeoutMs: 60_000 });
  const stores = join(lake.configDir, '..');
  for (const [server, folder] of [
    ['webhdfs', 'webhdfs'],
    ['gen2', 'dfs'],
  ] as const) {
    for (const top of ['lake', 'alone'])
      await fillMany(join(stores, server, 'emulators', folder, top, 'many'));
  }
  const tls = {
    gateway: await withTls(t, lake.gateway.url),
    source: await withTls(t, lake.source.url),
    target: await withTls(t, lake.target.url),
  };
  const size = largeBytes[process.env.TWINLAKE_FULL ? 'full' : 'ci'];
  let roots = 0;
  return {
    lake,
    async whereFor(client, place) {
      const emulator = client.protocol === 'gen2' ? 'target' : 'source';
      const server = place === 'emulator' ? emulator : 'gateway';
      const top = place === 'emulator' ? '/alone' : '/lake';
      const scratchDir = join(stores, 'scratch', String(roots++));
      await mkdir(scratchDir, { recursive: true });
      return {
        endpoint: lake[server].url,
        tlsEndpoint: tls[server],
        caFile: join(tlsDir, 'cert.pem'),
        account,
        key: devstoreKey,
        user: 'ann',
        place,
        root: `${top}/${client.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}-${place}`,
        many: { folder: `${top}/many`, ...many },
        largeBytes: size,
        names,
        deepPath,
        scratchDir,
      };
    },
    async makePrimary(side) {
      await lake.setRoutes(routesOf({ reads: side }));
      const admin = adminView(lake.gateway.adminUrl);
      await until(`${side} is primary`, async () => (await admin.apps())[0]?.effective?.reads === side);
    },
  };
}

/** Files as somebody with a shell on the emulator's disk would put them there. */
async function fillMany(folder: string): Promise<void> {
  await mkdir(join(folder, 'below'), { recursive: true });
  const nameOf = (index: number): string => `file-${String(index).padStart(5, '0')}`;
  for (let index = 0; index < many.files; index++) await writeFile(join(folder, nameOf(index)), '');
  for (let index = 0; index < many.filesBelow; index++)
    await writeFile(join(folder, 'below', nameOf(index)), '');
}

/** The same server over TLS, ended here. @returns its address */
async function withTls(t: Test, url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const server = createServer(
    { key: readFileSync(join(tlsDir, 'key.pem')), cert: readFileSync(join(tlsDir, 'cert.pem')) },
    (socket) => {
      const inner = connect({ host: hostname, port: Number(port) });
      socket.pipe(inner).pipe(socket);
      for (const [one, other] of [
        [socket, inner],
        [inner, socket],
      ] as const) {
        one.once('error', () => other.destroy());
        one.once('close', () => other.destroy());
      }
    },
  );
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.teardown(() => server.close());
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
