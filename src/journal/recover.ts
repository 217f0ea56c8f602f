// What a restart makes of what the former process left open: nothing is guessed (design §4, "Crash").
import { isWithin, joinPath, relativeTo } from '../core/path.ts';
import type { Side } from '../core/store.ts';
import type { Change, Divergence, Intent, Upload } from './journal.ts';

/** Everything that was durable when the former process ended. */
export interface Leftovers {
  intents: readonly Intent[];
  divergences: readonly Divergence[];
  uploads: readonly Upload[];
}

/**
 * Every open intent becomes a divergence whose truth is its primary; an open stage takes its secondary out of the upload's
 * sides. Requests of the former process may still land, so every divergence gets a tail.
 * @param tailUntilMs epoch ms until which late requests are possible
 */
export function recover(left: Leftovers, nowMs: number, tailUntilMs: number): Change[] {
  const rows = new Map<string, Divergence>(
    // What may still land late may be about the truth too: it is asked again.
    left.divergences.map(({ absent, ...row }) => [row.path, { ...row, tailUntilMs }]),
  );
  const uploads = new Map(left.uploads.map((upload) => [upload.path, upload]));
  const ordered = [...left.intents].sort((a, b) => a.id - b.id);
  for (const intent of ordered) {
    if (intent.staged) {
      const path = intent.reaches[0]!.path;
      uploads.set(path, withoutSecondary(uploads.get(path), intent, { path, tailUntilMs }));
      continue;
    }
    if (!intent.secondary) continue;
    for (const reach of intent.reaches)
      rows.set(reach.path, recovered(intent, reach, rows.get(reach.path), nowMs, tailUntilMs));
    for (const upload of changedWith(intent, [...uploads.values()])) uploads.set(upload.path, upload);
  }
  return [
    ...[...rows.values()].map((divergence): Change => ({ do: 'put', divergence })),
    ...[...uploads.values()].map((upload): Change => ({ do: 'put-upload', upload })),
  ];
}

/**
 * Nobody knows whether the intent has ended an upload or moved it. Its primary has all bytes of it, so that side alone goes on with it, under
 * either name; the ETag that was shown before may be an old one by now.
 */
function changedWith({ verb, reaches, primary }: Intent, uploads: readonly Upload[]): Upload[] {
  const reached = uploads.filter(({ path }) =>
    reaches.some((reach) => (reach.subtree ? isWithin(path, reach.path) : path === reach.path)),
  );
  const alone = reached.map(({ etag: _, ...upload }) => ({
    ...upload,
    sides: upload.sides.includes(primary) ? [primary] : upload.sides,
  }));
  const [from, to] = reaches;
  if (verb !== 'rename' || !from || !to) return alone;
  const moved = alone.filter(({ path }) => isWithin(path, from.path));
  return [
    ...alone,
    ...moved.map((upload) => ({
      ...upload,
      path: joinPath(to.path, relativeTo(upload.path, from.path)),
      movedFrom: upload.path,
    })),
  ];
}

function recovered(
  intent: Intent,
  reach: Intent['reaches'][number],
  earlier: Divergence | undefined,
  nowMs: number,
  tailUntilMs: number,
): Divergence {
  return {
    ...lasting(intent, earlier),
    path: reach.path,
    subtree: reach.subtree || (earlier?.subtree ?? false),
    truth: intent.primary,
    generation: intent.id,
    reason: `${intent.verb} was open when the gateway ended`,
    sinceMs: earlier?.sinceMs ?? nowMs,
    tailUntilMs,
  };
}

/** What must not be deleted, or has to be carried over, stays so; an open change of attributes may have set an owner or times. */
function lasting(intent: Intent, earlier: Divergence | undefined): Partial<Divergence> {
  return {
    ...(earlier?.keepExtras ? { keepExtras: true } : {}),
    ...(earlier?.keepReplaced ? { keepReplaced: true } : {}),
    ...(earlier?.owners || intent.verb === 'set-attributes' ? { owners: true } : {}),
    ...(intent.verb === 'set-attributes' ? { times: true } : {}),
  };
}

/**
 * The client may have been answered, so there are unflushed bytes, and only the primary surely has them. Where the other side has taken
 * the upload over, the primary was not enough for an answer.
 */
function withoutSecondary(
  upload: Upload | undefined,
  intent: Intent,
  { path, tailUntilMs }: { path: string; tailUntilMs: number },
): Upload {
  const primary: Side = intent.primary;
  const before = upload?.sides ?? [primary];
  const isLost = intent.secondary !== undefined && before.includes(primary);
  return {
    path,
    generation: intent.id,
    app: intent.app,
    touchedMs: intent.openedMs,
    ...upload,
    unflushed: true,
    lateUntilMs: tailUntilMs,
    sides: isLost ? before.filter((side) => side === primary) : before,
  };
}
