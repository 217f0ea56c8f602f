// What the admin port shows, and waiting for it to show something.
import { setTimeout as wait } from 'node:timers/promises';
import type { Test } from 'tap';

/** One sample of /metrics. */
interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

function parseSample(line: string): Sample | undefined {
  const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (!match) return undefined;
  const labels: Record<string, string> = {};
  for (const [, name, value] of (match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
    labels[name!] = value!;
  return { name: match[1]!, labels, value: Number(match[3]) };
}

/** One app of `/v1/apps`. */
export interface AppRow {
  app: string;
  desired: { reads: string; writes: string } | null;
  effective: { reads: string; writes: string } | null;
  reason?: string;
}

/** The admin listener of a gateway. */
export interface AdminView {
  /** Sum of all samples of a metric whose labels include these. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  apps(): Promise<AppRow[]>;
  /** All pages of them; `total` as the first page had it. */
  divergences(): Promise<{ total: number; items: DivergenceRow[] }>;
}

/** One item of `/v1/divergences`. */
export interface DivergenceRow {
  path: string;
  truth: string;
  reason: string;
}

/** @param url of the admin listener */
export function adminView(url: string): AdminView {
  const get = async (path: string): Promise<Response> => {
    const response = await fetch(`${url}${path}`);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  return {
    async metric(name, labels = {}) {
      const lines = (await (await get('/metrics')).text()).split('\n');
      let sum = 0;
      for (const line of lines) {
        if (!line.startsWith(name)) continue;
        const sample = parseSample(line);
        if (sample?.name !== name) continue;
        if (Object.entries(labels).every(([key, value]) => sample.labels[key] === value)) sum += sample.value;
      }
      return sum;
    },
    apps: async () => {
      const answer = (await (await get('/v1/apps')).json()) as AppRow[] | { apps: AppRow[] };
      return Array.isArray(answer) ? answer : answer.apps;
    },
    async divergences() {
      const items: DivergenceRow[] = [];
      let total: number | undefined;
      for (let after: string | undefined = ''; after !== undefined; ) {
        const from: string = after ? `&after=${encodeURIComponent(after)}` : '';
        const response = await get(`/v1/divergences?limit=1000${from}`);
        const page = (await response.json()) as { total: number; items: DivergenceRow[]; next?: string };
        total ??= page.total;
        items.push(...page.items);
        after = page.next;
      }
      return { total: total!, items };
    },
  };
}

/** Asks again until `look` gives something true; rejects with `what` after `withinMs`. */
export async function until<T>(
  what: string,
  look: () => Promise<T> | T,
  withinMs = 30_000,
): Promise<Exclude<T, false | undefined | null>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen as Exclude<T, false | undefined | null>;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await wait(20);
  }
}

/** Waits until nothing diverges and no intent is open; says what is left if that takes too long. */
export async function drained(t: Test, admin: AdminView, withinMs = 60_000): Promise<void> {
  const isDrained = async (): Promise<boolean> =>
    (await admin.metric('twinlake_divergent_paths')) + (await admin.metric('twinlake_open_intents')) === 0;
  try {
    await until('nothing diverges', isDrained, withinMs);
    t.equal((await admin.divergences()).total, 0, 'the list of divergences is empty');
  } catch (error) {
    t.fail(String(error), { divergences: await admin.divergences() });
  }
}
