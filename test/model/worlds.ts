// Who writes and reads the path, and how: each is searched by itself.
import type { Mutation } from '../../src/core/mutation.ts';
import type { Route } from '../../src/core/route.ts';
import { path } from './state.ts';
import type { World } from './steps.ts';

const app: Route = {
  app: 'a',
  reads: 'source',
  writes: 'both',
  ack: 'primary',
  ackFallback: 'degrade',
  failover: 'full',
  mounts: [{ source: '/', target: '/' }],
};
const create: Mutation = { verb: 'create', path, parents: 'all' };
const conditional: Mutation = { ...create, condition: { ifMatch: '*' } };

/** By name. */
export const worlds: Readonly<Record<string, Pick<World, 'apps' | 'mutation'>>> = {
  /** Both sides are asked together. */
  together: { apps: [app], mutation: create },
  /** The primary may refuse on state, so the other side comes after it. */
  conditional: { apps: [app], mutation: conditional },
  'ack-both': { apps: [{ ...app, ack: 'both' }], mutation: create },
  'no-failover': { apps: [{ ...app, failover: 'none' }], mutation: create },
  /** A second app on the same path has the other primary. */
  'two-apps': { apps: [app, { ...app, app: 'b', reads: 'target' }], mutation: create },
  /** A second app writes only one side of what the first one writes on both. */
  'one-sided': { apps: [app, { ...app, app: 'b', writes: 'source', failover: 'none' }], mutation: create },
};
