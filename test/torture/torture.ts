// The whole run: a lake, clients, the storm in campaigns; after each, everything is healed and everything is checked.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { routesOf, startLake } from '../end-to-end/lake.ts';
import { createActors } from './actors.ts';
import { createCells } from './cells.ts';
import { startClients } from './clients.ts';
import { findFaults } from './find-faults.ts';
import { heal } from './heal.ts';
import { keepEvidence } from './keep-evidence.ts';
import { createEar, planRounds, playRound } from './storm.ts';

/** What to do. */
export interface TortureOptions {
  seed: number;
  kills: number;
  clients: number;
  /** Kills between two times that everything is healed and checked. */
  killsEach: number;
  chaos: boolean;
  /** Told of everything that happens. */
  note(line: string): void;
}

/** What came of it. */
export interface TortureReport {
  kills: number;
  operations: number;
  unknown: number;
  cells: number;
  /** Empty: all rules held. */
  faults: string[];
  /** Kept if there are faults: stores, journal, histories, logs. */
  dir?: string;
}

/** Operations of one cell before the next one is opened, so that there are beginnings too. */
const operationsEach = 60;

/** Runs it all; rejects only if the test itself breaks. */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const { seed, kills, note } = options;
  const dir = await mkdtemp(join(tmpdir(), `twinlake-torture-${seed}-`));
  const endings: (() => unknown)[] = [];
  const owner = { testdir: () => dir, teardown: (end: () => unknown) => void endings.push(end) };
  const story: string[] = [];
  const tell = (line: string): void => {
    story.push(`${performance.now().toFixed(1)} ${line}`);
    note(line);
  };
  const faults: string[] = [];
  try {
    const lake = await startLake(owner as never, {
      timeoutMs: 3000,
      writes: { zombieMs: 2000, lagMs: 500, orderWaitMs: 200, uploadIdleMs: 5000 },
      routes: routesOf({ reads: 'source', failover: 'full' }),
    });
    const ear = createEar();
    const actors = createActors({ url: lake.gateway.url, onSent: ear.onSent }, options.clients);
    const cells = createCells(seed, operationsEach);
    const rounds = planRounds(seed, kills, options.chaos);
    let checked = 0;
    for (let done = 0; done < rounds.length && faults.length === 0; done += options.killsEach) {
      const clients = startClients({ seed: seed + done, cells, actors, groups: 2, thinkMs: 30 });
      for (const [index, round] of rounds.slice(done, done + options.killsEach).entries())
        await playRound(lake, ear, round, (what) => tell(`[${done + index + 1}/${kills}] ${what}`));
      await clients.stop();
      cells.turnOver();
      tell('healing');
      faults.push(...(await heal(lake)));
      const fresh = cells.all.slice(checked);
      checked = cells.all.length;
      faults.push(...(await findFaults(lake, fresh, actors[0]!)));
      tell(`${fresh.length} cells checked, ${faults.length} faults`);
    }
    const operations = cells.all.flatMap((cell) => cell.operations);
    if (faults.length > 0) await keepEvidence(dir, lake, cells.all, [...story, ...faults]);
    return {
      kills,
      operations: operations.length,
      unknown: operations.filter(({ result }) => result.is === 'unknown').length,
      cells: cells.all.length,
      faults,
      ...(faults.length > 0 ? { dir } : {}),
    };
  } finally {
    await Promise.all(endings.map((end) => end()));
    if (faults.length === 0) await rm(dir, { recursive: true, force: true });
  }
}
