// The steps of a suite with real input: write through the gateway, compare in both stores, read and list through the gateway.
import type { Test } from 'tap';
import { type AdminView, adminView, drained } from '../end-to-end/admin-view.ts';
import { differences } from './differences.ts';
import type { Installation } from './installation.ts';
import type { Listing, LocalFile } from './real-tree.ts';
import {
  dealOut,
  fetchClient,
  forAll,
  npmClient,
  sdkClient,
  type TreeReader,
  wholeListing,
} from './tree-clients.ts';

/** What the gateway may have resident at any moment, MiB. */
const maxResidentMiB = 320;
/** How long divergences may take to be settled, milliseconds. */
const settleMs = 120_000;

/** The steps, each a subtest. They report seconds and the gateway's peak of resident memory. */
export interface Phases {
  admin: AdminView;
  /** Everything, with three clients at once; ends when nothing diverges. */
  write(): Promise<unknown>;
  /** Every byte, read past the gateway. */
  compareStores(source: TreeReader): Promise<void>;
  /** Every byte, read through the gateway with the other protocol than the one that wrote. */
  readBack(): Promise<unknown>;
  list(): Promise<unknown>;
  /** Memory and a clean end; the last step. */
  end(): Promise<unknown>;
  timed(test: Test, what: string, work: () => Promise<void>): Promise<void>;
}

/** The steps for these files on this installation. */
export function createPhases(
  t: Test,
  lake: Installation,
  files: readonly LocalFile[],
  wanted: Listing,
): Phases {
  const admin = adminView(lake.adminUrl);
  const written = dealOut(files);
  const through = {
    sdk: sdkClient(lake.dataUrl),
    npm: npmClient(lake.dataUrl),
    fetch: fetchClient(lake.dataUrl),
  };
  const timed = async (test: Test, what: string, work: () => Promise<void>): Promise<void> => {
    const began = performance.now();
    await work();
    const seconds = (performance.now() - began) / 1000;
    test.comment(
      `${what}: ${seconds.toFixed(1)} s, gateway's peak ${(await lake.gateway.peakMiB()).toFixed()} MiB`,
    );
  };
  const readWith = async (
    test: Test,
    some: LocalFile[],
    reader: Pick<TreeReader, 'read'>,
    name: string,
  ): Promise<void> => {
    const found: Listing = new Map();
    await forAll(some, async ({ path }) => void found.set(path, await reader.read(path)));
    const asWritten = new Map(some.map(({ path }) => [path, wanted.get(path)!]));
    test.strictSame(differences(asWritten, found), [], `${some.length} files read with ${name}`);
  };
  return {
    admin,
    timed,
    write: () =>
      t.test('everything is written through the gateway', async (test) => {
        const megabytes = files.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0) / 1e6;
        await timed(test, `${files.length} files, ${megabytes.toFixed()} MB written`, async () => {
          await Promise.all([
            forAll(written.sdk, through.sdk.write),
            forAll(written.npm, through.npm.write),
            forAll(written.fetch, through.fetch.write),
          ]);
        });
        const divergent = await admin.metric('twinlake_divergent_paths');
        await timed(test, `${divergent} divergent paths settled`, () => drained(test, admin, settleMs));
      }),
    compareStores: async (source) => {
      for (const [name, reader] of Object.entries({ source, target: sdkClient(lake.targetUrl) })) {
        await t.test(`the ${name}, read directly, has every byte and nothing else`, (test) =>
          timed(test, `all of the ${name} read`, async () => {
            test.strictSame(differences(wanted, await wholeListing(reader)), []);
          }),
        );
      }
    },
    readBack: () =>
      t.test('through the gateway, every file reads the same in the other protocol', (test) =>
        timed(test, 'all read through the gateway', async () => {
          const bySdk = (parity: number) => written.sdk.filter((_, index) => index % 2 === parity);
          await Promise.all([
            readWith(test, [...written.npm, ...written.fetch], through.sdk, 'the SDK'),
            readWith(test, bySdk(0), through.npm, 'the npm client'),
            readWith(test, bySdk(1), through.fetch, 'fetch'),
          ]);
        }),
      ),
    list: () =>
      t.test('through the gateway, both protocols list the same', async (test) => {
        const lengths = new Map([...wanted].map(([path, what]) => [path, what.split(' ')[0]!]));
        await timed(test, 'all listed twice through the gateway', async () => {
          test.strictSame(differences(lengths, await through.sdk.list()), [], 'Gen2');
          test.strictSame(differences(lengths, await through.fetch.list()), [], 'WebHDFS');
        });
      }),
    end: () =>
      t.test('the gateway stays small', async (test) => {
        const peak = await lake.gateway.peakMiB();
        test.ok(peak < maxResidentMiB, `${peak.toFixed()} MiB of ${maxResidentMiB}`);
        test.equal(await lake.gateway.stop(), 0, 'and stops when told to');
      }),
  };
}
