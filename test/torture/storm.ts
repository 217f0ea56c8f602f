// What happens to the installation while clients work: rounds chosen by the seed, each ending with a SIGKILL of the gateway.
import { setTimeout as wait } from 'node:timers/promises';
import type { ChaosConfig } from '../../src/config/chaos-schema.ts';
import type { Side } from '../../src/core/store.ts';
import { type Lake, routesOf } from '../end-to-end/lake.ts';
import type { Doing } from './actor.ts';
import { type Random, randomOf } from './random.ts';

/** The routes of a moment. */
interface Routes {
  reads: Side;
  failover: 'none' | 'reads' | 'full';
  ack: 'primary' | 'both';
}

/** A store that goes away and comes back. */
interface Outage {
  side: Side;
  afterMs: number;
  forMs: number;
}

/** One round: what happens at which time, how it ends. */
export interface Round {
  flips: { afterMs: number; routes: Routes }[];
  outage?: Outage;
  /** In force from the gateway's next start on. */
  chaos?: { side: Side; config: ChaosConfig };
  /** The gateway is killed so long after the round's beginning, and then so soon after the next request of this kind has left. */
  kill: { afterMs: number; doing?: Doing; delayMs: number };
  /** How long it stays away. */
  downMs: number;
}

const sides: readonly Side[] = ['source', 'target'];
const killAfter: readonly Doing[] = [
  'create',
  'append',
  'stage',
  'flush',
  'rename',
  'delete',
  'concat',
  'mkdir',
];

function chooseRoutes(random: Random): Routes {
  return {
    reads: random.pick(sides),
    failover: random.weighted([
      [1, 'none'],
      [2, 'reads'],
      [3, 'full'],
    ]),
    ack: random.chance(0.25) ? 'both' : 'primary',
  };
}

/** Faults of one store for the next life of the gateway. */
function chooseChaos(random: Random, seed: number): ChaosConfig {
  const rule = {
    afterMs: 0,
    delayMs: 300,
    afterBytes: 500,
    bytesPerSecond: 65_536,
    pageEntries: 2,
    maxBodyBytes: 1_048_576,
  };
  const faults = ['refuse', 'throttle', 'delay', 'cut', 'lose-answer', 'apply-late', 'short-page'] as const;
  const rules = [1, 2, 3].map(() => ({
    ...rule,
    fault: random.pick(faults),
    probability: random.pick([0.02, 0.05, 0.1]),
  }));
  // Now and then a spell in which everything fails, so that the breaker trips.
  if (random.chance(0.4))
    rules.push({ ...rule, fault: 'refuse', probability: 1, everyMs: 4000, forMs: 1200 } as never);
  return { seed, rules };
}

/** @param withChaos faults of the chaos layer too */
export function planRounds(seed: number, count: number, withChaos: boolean): Round[] {
  const random = randomOf(seed, 'storm');
  return Array.from({ length: count }, (_, index) => {
    const killMs = random.between(300, 5000);
    const flips = Array.from({ length: random.between(0, 2) }, () => ({
      afterMs: random.between(0, killMs),
      routes: chooseRoutes(random),
    }));
    const round: Round = {
      flips: flips.sort((a, b) => a.afterMs - b.afterMs),
      kill: {
        afterMs: killMs,
        delayMs: random.weighted([
          [3, 0],
          [3, random.between(1, 10)],
          [2, random.between(10, 60)],
        ]),
      },
      downMs: random.between(0, 300),
    };
    if (random.chance(0.8)) round.kill.doing = random.pick(killAfter);
    if (random.chance(0.5))
      round.outage = {
        side: random.pick(sides),
        afterMs: random.between(0, killMs),
        forMs: random.between(100, 4000),
      };
    const chaos = { side: random.pick(sides), config: chooseChaos(random, index) };
    if (withChaos && random.chance(0.6)) round.chaos = chaos;
    return round;
  });
}

/** Hears of every request that has left. */
export interface Ear {
  onSent(doing: Doing): void;
  /** Resolves when a request of this kind has left; false if none does within `withinMs`. */
  heard(doing: Doing, withinMs: number): Promise<boolean>;
}

/** Between clients and storm. */
export function createEar(): Ear {
  const waiting = new Map<Doing, Set<() => void>>();
  return {
    onSent(doing) {
      for (const wake of waiting.get(doing) ?? []) wake();
      waiting.delete(doing);
    },
    async heard(doing, withinMs) {
      const given = new AbortController();
      const next = new Promise<boolean>((resolve) => {
        const all = waiting.get(doing) ?? new Set();
        waiting.set(
          doing,
          all.add(() => resolve(true)),
        );
      });
      const late = wait(withinMs, false, { signal: given.signal }).catch(() => false);
      const found = await Promise.race([next, late]);
      given.abort();
      return found;
    },
  };
}

/** Longest wait for a request of the kind that a kill follows. */
const patienceMs = 2000;

/** Plays one round; at its end all parts run. */
export async function playRound(
  lake: Lake,
  ear: Ear,
  round: Round,
  note: (what: string) => void,
): Promise<void> {
  const { outage, kill } = round;
  const flip = async (): Promise<void> => {
    const began = performance.now();
    for (const { afterMs, routes } of round.flips) {
      await wait(Math.max(0, began + afterMs - performance.now()));
      note(`routes ${JSON.stringify(routes)}`);
      await lake.setRoutes(routesOf(routes));
    }
  };
  const flipped = flip();
  const away = async ({ side, afterMs, forMs }: Outage): Promise<void> => {
    await wait(afterMs);
    note(`${side} is killed`);
    await lake[side].kill();
    await wait(forMs);
    await lake[side].start();
    note(`${side} is back`);
  };
  const back = outage ? away(outage) : Promise.resolve();
  await wait(kill.afterMs);
  if (kill.doing) await ear.heard(kill.doing, patienceMs);
  await wait(kill.delayMs);
  note(`gateway is killed ${kill.delayMs} ms after ${kill.doing ?? 'anything'}`);
  await lake.gateway.kill();
  await lake.setChaos(round.chaos ? { stores: { [round.chaos.side]: round.chaos.config } } : {});
  await wait(round.downMs);
  await lake.gateway.start();
  note(`gateway is back${round.chaos ? ` with chaos at ${round.chaos.side}` : ''}`);
  await Promise.all([back, flipped]);
}
