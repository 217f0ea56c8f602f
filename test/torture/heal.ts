// The end of a storm: no faults from here on, and a bound in time for both stores to become equal.
import { adminView, until } from '../end-to-end/admin-view.ts';
import type { Lake } from '../end-to-end/lake.ts';

/** How long both stores may take to become equal after everything is well again. */
const drainMs = 120_000;

/** No faults from here on; waits until nothing diverges. Returns what is left if that takes too long. */
export async function heal(lake: Lake): Promise<string[]> {
  await lake.setChaos({});
  await lake.gateway.kill();
  await lake.gateway.start();
  const admin = adminView(lake.gateway.adminUrl);
  const isDrained = async (): Promise<boolean> =>
    (await admin.metric('twinlake_divergent_paths')) + (await admin.metric('twinlake_open_intents')) === 0;
  try {
    await until('nothing diverges', isDrained, drainMs);
    return [];
  } catch {
    const { items } = await admin.divergences();
    const intents = await admin.metric('twinlake_open_intents');
    return [
      `after ${drainMs} ms ${intents} intents are open, and these diverge: ${JSON.stringify(items, null, 1)}`,
    ];
  }
}
