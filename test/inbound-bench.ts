// A gateway over two memory stores in this process, with the listener and the routes that a test gives it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { parseGatewayConfig } from '../src/config/gateway-config.ts';
import { startGateway } from '../src/server/start-gateway.ts';
import { createLogger } from '../src/telemetry/logger.ts';

/** The key of the account `acct`, base64. */
export const key = Buffer.from('a key that is long enough for everybody').toString('base64');
/** Its second key. */
export const otherKey = Buffer.from('the key that will be the only one soon').toString('base64');

/** @param more of gateway.yaml, below `listen.data`; @param routes the apps of routes.yaml; @param target keys of the target store */
export async function inboundGateway(t: Test, more: string, routes: string, target = 'type: memory') {
  // Not `t.testdir()`: a test may have two of them.
  const dir = await mkdtemp(join(tmpdir(), 'twinlake-inbound-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const gateway = `
listen:
  data: { port: 0, ${more} }
  admin: { port: 0 }
state: { dir: state }
stores: { source: { type: memory }, target: { ${target} } }
accounts: [acct]
`;
  const env = { KEY1: key, KEY2: otherKey };
  const config = parseGatewayConfig(gateway, { file: 'gateway.yaml', dir, env });
  await writeFile(join(dir, 'routes.yaml'), `mounts: [{ source: /old, target: /lake }]\napps:\n${routes}\n`);
  const running = await startGateway(dir, config, createLogger({ level: 'silent' }));
  t.teardown(() => running.close());
  const ask = async (line: string, headers: Record<string, string> = {}, body?: string) => {
    const [method, target] = line.split(' ') as [string, string];
    const init = { method, headers, redirect: 'follow', ...(body === undefined ? {} : { body }) } as const;
    const answer = await fetch(`${running.dataUrl}${target}`, init);
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text };
  };
  return { url: running.dataUrl, adminUrl: running.adminUrl, ask };
}

/** All the routes files need of an app that writes both sides. */
export const both = 'reads: source, writes: both';
