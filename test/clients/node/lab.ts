// What the Node scripts share: where to work (JSON on stdin), operations by name, one JSON line for each.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Operation, Where } from '../client.ts';

/** The client has no such thing, or cannot do it anywhere; the message is the reason. */
class NotApplicable extends Error {}

export interface Lab {
  where: Where;
  /** Loads a package of the installation; clients from before TypeScript have no types worth keeping. */
  // biome-ignore lint/suspicious/noExplicitAny: see above
  load(name: string): any;
  operation(name: Operation, work: () => Promise<unknown>): void;
  cannot(name: Operation, reason: string): void;
  /** Ends an operation as not applicable here. */
  notHere(reason: string): never;
  run(): Promise<void>;
}

export async function openLab(): Promise<Lab> {
  const where: Where = JSON.parse(await text(process.stdin));
  const operations: [Operation, () => Promise<unknown>][] = [];
  const lab: Lab = {
    where,
    load: createRequire(join(process.env.TWINLAKE_CLIENT_DIR!, 'package.json')),
    operation: (name, work) => operations.push([name, work]),
    cannot: (name, reason) => lab.operation(name, async () => lab.notHere(reason)),
    notHere(reason) {
      throw new NotApplicable(reason);
    },
    async run() {
      for (const [operation, work] of operations) {
        let result: object = { operation, outcome: 'pass' };
        try {
          await work();
        } catch (error) {
          const reason = String(error instanceof Error ? error.message : error).slice(0, 1500);
          if (error instanceof NotApplicable) result = { operation, outcome: 'n/a', reason };
          else {
            const line = /[\w-]+\.ts:\d+/.exec(error instanceof Error ? (error.stack ?? '') : '')?.[0];
            result = { operation, outcome: 'fail', reason: `${line}: ${reason}` };
          }
        }
        process.stdout.write(`${JSON.stringify(result)}\n`);
      }
    },
  };
  return lab;
}

/** Bytes that differ everywhere, the same in every run. */
export function someBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
