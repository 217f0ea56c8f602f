// Shapes of the admin API: TypeScript types, answer schemas and OpenAPI from one source.
import { type Static, type TSchema, Type } from 'typebox';
import type { Mount } from '../core/mount.ts';

/** Most divergences of one page. */
export const maxPage = 1_000;
/** Divergences of a page if the caller names no limit. */
export const defaultPage = 100;

const SideSchema = Type.Union([Type.Literal('source'), Type.Literal('target')]);

/** A failed request. */
const ErrorSchema = Type.Object({
  error: Type.Object({ code: Type.String(), message: Type.String() }),
});

/** The process answers. */
const LiveSchema = Type.Object({ status: Type.Literal('live') });

/** Whether clients may be sent here: listeners up and a valid routing table loaded. Stores do not count. */
const ReadySchema = Type.Object({
  ready: Type.Boolean(),
  reason: Type.Optional(Type.String({ description: 'Why not.' })),
});
export type Readiness = Static<typeof ReadySchema>;

/** One store as the gateway sees it. */
const StoreHealthSchema = Type.Object({
  side: SideSchema,
  name: Type.String({ description: 'Name of the store in gateway.yaml.' }),
  breaker: Type.Union([Type.Literal('closed'), Type.Literal('half-open'), Type.Literal('open')]),
  reachable: Type.Boolean({ description: 'Whether its latest answer was not a temporary failure.' }),
  lastError: Type.Optional(
    Type.Object({ message: Type.String(), at: Type.String({ description: 'ISO time.' }) }),
  ),
});
export type StoreHealth = Static<typeof StoreHealthSchema>;

/** Whether the journal takes entries; without it writes to two stores are refused. */
const JournalHealthSchema = Type.Object({
  writable: Type.Boolean(),
  reason: Type.Optional(Type.String({ description: 'Why not.' })),
});
export type JournalHealth = Static<typeof JournalHealthSchema>;

/** All stores and the journal, and whether all of them are well. */
const StoresSchema = Type.Object({
  healthy: Type.Boolean(),
  stores: Type.Array(StoreHealthSchema),
  journal: JournalHealthSchema,
});

/** What an app reads from and writes to. */
const RouteViewSchema = Type.Object({
  reads: SideSchema,
  writes: Type.Union([SideSchema, Type.Literal('both')]),
  ack: Type.Union([Type.Literal('primary'), Type.Literal('both')]),
  failover: Type.Union([Type.Literal('none'), Type.Literal('reads'), Type.Literal('full')]),
  mounts: Type.Unsafe<readonly Mount[]>(
    Type.Array(Type.Object({ source: Type.String(), target: Type.String() })),
  ),
});
export type RouteView = Static<typeof RouteViewSchema>;

/** One app: what the file wants and what is in force. */
const AppStatusSchema = Type.Object({
  app: Type.String(),
  desired: Type.Union([RouteViewSchema, Type.Null()], { description: 'null: no longer in the file.' }),
  effective: Type.Union([RouteViewSchema, Type.Null()], { description: 'null: not in force yet.' }),
  reason: Type.Optional(Type.String({ description: 'Why the two differ.' })),
  held: Type.Optional(Type.String({ description: 'Why its writes to two stores are refused.' })),
});
export type AppStatus = Static<typeof AppStatusSchema>;

const CountSchema = Type.Object({
  count: Type.Integer(),
  example: Type.Optional(Type.String({ description: 'The latest path.' })),
});

/** What an app has used since the process began. */
const CensusSchema = Type.Object({
  app: Type.String(),
  since: Type.String({ description: 'ISO time: the census is in memory, and starts anew with the process.' }),
  operations: Type.Array(
    Type.Object({
      face: Type.String(),
      op: Type.String(),
      results: Type.Record(Type.String(), Type.Integer(), {
        description: 'ok, redirected, forwarded (one side only), unsupported, refused, failed.',
      }),
      parameters: Type.Record(Type.String(), Type.Integer(), {
        description: 'By name: query parameters, and the headers that carry some.',
      }),
      cannotExpress: Type.Record(Type.String(), CountSchema, {
        description: 'What one of the two stores cannot hold.',
      }),
      first: Type.String({ description: 'ISO time.' }),
      last: Type.String({ description: 'ISO time.' }),
    }),
  ),
  names: Type.Record(Type.String(), CountSchema, {
    description: 'Kinds of characters in paths that are easily taken wrongly.',
  }),
  longestSegmentBytes: Type.Integer(),
  deepestSegments: Type.Integer(),
});
export type CensusView = Static<typeof CensusSchema>;

const AppParamsSchema = Type.Object({ app: Type.String({ description: 'Its name in routes.yaml.' }) });
export type AppParams = Static<typeof AppParamsSchema>;

/** A path, or a subtree, known or suspected to differ. */
const DivergenceSchema = Type.Object({
  path: Type.String({ description: "Canonical path: in the target's namespace." }),
  truth: SideSchema,
  reason: Type.String(),
  since: Type.String({ description: 'ISO time.' }),
  generation: Type.Integer(),
  subtree: Type.Boolean({ description: 'Everything below the path too.' }),
  pinned: Type.Optional(
    Type.String({ description: 'Why one store refuses it for good: not tried again until it changes.' }),
  ),
  movedFrom: Type.Optional(
    Type.String({ description: 'The other side has it there still: it is moved, not copied.' }),
  ),
});
export type DivergenceItem = Static<typeof DivergenceSchema>;

/** A page of divergences, in the order of their paths. */
const DivergencesSchema = Type.Object({
  total: Type.Integer({ description: 'Of all pages.' }),
  items: Type.Array(DivergenceSchema),
  next: Type.Optional(
    Type.String({
      description: '`after` of the next page, which may be empty; absent: this was the last one.',
    }),
  ),
});

/** Parameters of `GET /v1/divergences`. */
const DivergencesQuerySchema = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: maxPage, default: defaultPage }),
    after: Type.Optional(Type.String({ description: 'Only paths behind this one.', pattern: '^/' })),
  },
  { additionalProperties: false },
);
export type DivergencesQuery = Static<typeof DivergencesQuerySchema>;

/** Parameters of `POST /v1/recover`: the journal of these mounts was lost, and this side is true. */
const RecoverQuerySchema = Type.Object(
  {
    truth: SideSchema,
    mount: Type.Optional(
      Type.String({ description: 'Its target root; absent: every mount that waits.', pattern: '^/' }),
    ),
  },
  { additionalProperties: false },
);
export type RecoverQuery = Static<typeof RecoverQuerySchema>;

/** Parameters of `POST /v1/settle`. */
const SettleQuerySchema = Type.Object(
  { path: Type.String({ description: 'Of a divergence.', pattern: '^/' }) },
  { additionalProperties: false },
);
export type SettleQuery = Static<typeof SettleQuerySchema>;

/** One operation of the admin API; GET unless said otherwise. */
export interface AdminRoute {
  path: string;
  summary: string;
  /** By status; each answer is JSON unless `text`. */
  answers: Record<number, TSchema>;
  method?: 'post';
  query?: TSchema;
  /** Of the `{names}` in the path. */
  params?: TSchema;
  text?: boolean;
}

const noParameters = Type.Object({}, { additionalProperties: false });

/** Every operation, by its name. */
export const adminRoutes = {
  metrics: { path: '/metrics', summary: 'Metrics in the text format of Prometheus', answers: {}, text: true },
  live: {
    path: '/health/live',
    summary: 'Whether the process answers; for liveness probes',
    answers: { 200: LiveSchema },
  },
  ready: {
    path: '/health/ready',
    summary: 'Whether listeners are up and a valid routing table is loaded; for readiness probes. 503: not',
    answers: { 200: ReadySchema, 503: ReadySchema },
  },
  stores: {
    path: '/health/stores',
    summary:
      'Breaker and last error of each store, and the journal. 503 with the same body if any is down; not for probes',
    answers: { 200: StoresSchema, 503: StoresSchema },
  },
  apps: {
    path: '/v1/apps',
    summary: 'Desired and effective route of each app',
    answers: { 200: Type.Array(AppStatusSchema) },
    query: noParameters,
  },
  census: {
    path: '/v1/apps/{app}/census',
    summary:
      'Operations, parameters and names that an app really uses, and what one of the stores cannot express',
    answers: { 200: CensusSchema, 404: ErrorSchema },
    query: noParameters,
    params: AppParamsSchema,
  },
  divergences: {
    path: '/v1/divergences',
    summary: 'Paths known or suspected to differ, page by page',
    answers: { 200: DivergencesSchema, 400: ErrorSchema },
    query: DivergencesQuerySchema,
  },
  settle: {
    path: '/v1/settle',
    summary: 'Tries to settle a divergence now, also one that is pinned',
    answers: {
      200: Type.Object({ settled: Type.Boolean({ description: 'False: GET /v1/divergences says why.' }) }),
      400: ErrorSchema,
    },
    method: 'post',
    query: SettleQuerySchema,
  },
  recover: {
    path: '/v1/recover',
    summary:
      'Says which side is true where the journal was lost; nothing that only the other side has is lost',
    answers: {
      200: Type.Object({ mounts: Type.Array(Type.String({ description: 'Target roots.' })) }),
      400: ErrorSchema,
    },
    method: 'post',
    query: RecoverQuerySchema,
  },
  openapi: { path: '/v1/openapi.json', summary: 'This description', answers: {} },
} as const satisfies Record<string, AdminRoute>;
