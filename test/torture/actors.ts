// The clients of a run: all faces in turn.
import type { Actor, ActorOptions } from './actor.ts';
import { createGen2Actor } from './gen2-actor.ts';
import { createWebhdfsActor } from './webhdfs-actor.ts';

/** So many clients; no two neighbours have the same face. */
export function createActors(options: ActorOptions, count: number): Actor[] {
  const makers = [
    () => createWebhdfsActor(options, 'webhdfs'),
    () => createGen2Actor(options, 'dfs'),
    () => createWebhdfsActor(options, 'gen1'),
    () => createGen2Actor(options, 'blob'),
    () => createGen2Actor(options, 'dfs'),
    () => createWebhdfsActor(options, 'webhdfs'),
  ];
  return Array.from({ length: count }, (_, index) => makers[index % makers.length]!());
}
