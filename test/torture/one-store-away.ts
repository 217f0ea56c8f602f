// With `failover: full` either store may go away without one failed request on paths that were clean (design §4): one store at a time
// is killed under mixed clients, and every answer that is not one is looked at.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Side } from '../../src/core/store.ts';
import { type AdminView, adminView } from '../end-to-end/admin-view.ts';
import { routesOf, startLake } from '../end-to-end/lake.ts';
import type { FailedRequest } from './actor.ts';
import { createActors } from './actors.ts';
import { createCells, describeAction } from './cells.ts';
import { startClients } from './clients.ts';
import { findFaults } from './find-faults.ts';
import { heal } from './heal.ts';
import { keepEvidence } from './keep-evidence.ts';
import { randomOf } from './random.ts';

/** What to do. */
export interface AwayOptions {
  seed: number;
  outages: number;
  clients: number;
  note(line: string): void;
}

/** Paths whose newest state only this side has. */
async function pathsOnlyOn(admin: AdminView, side: Side): Promise<string[]> {
  const { items } = await admin.divergences();
  return items.filter(({ truth }) => truth === side).map(({ path }) => path);
}

const touches = (failed: FailedRequest, paths: readonly string[]): boolean =>
  paths.some((path) => {
    const { action, folder } = failed;
    const own = [action.path, 'destination' in action ? action.destination : action.path];
    return own.some((name) => path.startsWith(`${folder}/${name}`) || `${folder}/${name}`.startsWith(path));
  });

/** What failed although it must not; and what is wrong at the end. */
export async function oneStoreAway({
  seed,
  outages,
  clients,
  note,
}: AwayOptions): Promise<{ faults: string[]; operations: number; dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), `twinlake-away-${seed}-`));
  const endings: (() => unknown)[] = [];
  const owner = { testdir: () => dir, teardown: (end: () => unknown) => void endings.push(end) };
  const faults: string[] = [];
  try {
    const random = randomOf(seed, 'away');
    const lake = await startLake(owner as never, {
      // A kill is a reset: nobody waits for a time-out, and a busy machine must not make one.
      timeoutMs: 20_000,
      writes: { lagMs: 10_000, lockWaitMs: 20_000, uploadIdleMs: 3000 },
      routes: routesOf({ reads: 'source', failover: 'full' }),
    });
    const admin = adminView(lake.gateway.adminUrl);
    const failed: FailedRequest[] = [];
    const actors = createActors(
      { url: lake.gateway.url, onSent: () => undefined, onFailed: (each) => void failed.push(each) },
      clients,
    );
    const cells = createCells(seed, 60);
    for (let outage = 0; outage < outages; outage++) {
      const away = random.pick<Side>(['source', 'target']);
      const reads = random.pick<Side>(['source', 'target']);
      await lake.setRoutes(routesOf({ reads, failover: 'full' }));
      const working = startClients({ seed: seed + outage, cells, actors, groups: 2, thinkMs: 20 });
      await wait(random.between(500, 1500));
      note(`outage ${outage + 1}: ${away} is killed, reads from ${reads}`);
      // The rule begins when a store goes away. A busy machine may have cost a request before: said, not judged.
      for (const each of failed.splice(0))
        note(`before: ${each.folder} ${describeAction(each.action)}: ${each.answer}`);
      await lake[away].kill();
      await wait(random.between(1000, 3000));
      const lost = await pathsOnlyOn(admin, away);
      const excused = failed.filter((each) => touches(each, lost));
      for (const each of failed.splice(0)) {
        const line = `${away} away, reads ${reads}: ${each.folder} ${describeAction(each.action)}: ${each.answer}`;
        if (excused.includes(each)) note(`its truth is away: ${line}`);
        else faults.push(line);
      }
      await lake[away].start();
      await working.stop();
      cells.turnOver();
      faults.push(...(await heal(lake)));
      failed.length = 0;
    }
    faults.push(...(await findFaults(lake, cells.all, actors[0]!)));
    if (faults.length > 0) await keepEvidence(dir, lake, cells.all, faults);
    return { faults, operations: cells.all.flatMap((cell) => cell.operations).length, dir };
  } finally {
    await Promise.all(endings.map((end) => end()));
    if (faults.length === 0) await rm(dir, { recursive: true, force: true });
  }
}
