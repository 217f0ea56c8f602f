// Breadth first through everything that can happen to an upload, until an acknowledged byte is lost or an unflushed one is shown.
import { keyOf, start, type Uploading } from './upload-state.ts';
import { broken, steps, type UploadWorld } from './upload-steps.ts';

/** Searches all of it; `trace` is the shortest way to a violation. */
export function findUploadTrace(world: UploadWorld): { states: number; trace?: string[] } {
  interface Node {
    state: Uploading;
    from?: Node;
    name: string;
  }
  const known = new Set<string>([keyOf(start)]);
  let level: Node[] = [{ state: start, name: 'start' }];
  while (level.length > 0) {
    const next: Node[] = [];
    for (const from of level) {
      const why = broken(world, from.state);
      if (why !== undefined) {
        const trace = [why];
        for (let at: Node | undefined = from; at?.from; at = at.from) trace.unshift(at.name);
        return { states: known.size, trace };
      }
      steps(world, from.state, (name, state) => {
        const key = keyOf(state);
        if (known.has(key)) return;
        known.add(key);
        next.push({ state, from, name });
      });
    }
    level = next;
  }
  return { states: known.size };
}
