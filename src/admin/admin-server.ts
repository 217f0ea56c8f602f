// The admin listener: metrics, health, what operators ask, and the one thing that they decide. It has no authentication of its own, so it
// binds to loopback unless configured otherwise.
import type { AddressInfo } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import {
  type AdminRoute,
  type AppParams,
  type AppStatus,
  adminRoutes,
  type CensusView,
  type DivergenceItem,
  type DivergencesQuery,
  type JournalHealth,
  type Readiness,
  type RecoverQuery,
  type SettleQuery,
  type StoreHealth,
} from './admin-schemas.ts';
import { openapi } from './openapi.ts';

export type {
  AppStatus,
  CensusView,
  DivergenceItem,
  DivergencesQuery,
  JournalHealth,
  Readiness,
  RouteView,
  StoreHealth,
} from './admin-schemas.ts';

/** Longest a client may take to send its request, in milliseconds. */
const requestTimeoutMs = 10_000;

/** Where the answers come from; `server/` wires them. A source that throws is answered with 503. */
export interface AdminSources {
  /** Listeners up and a valid routing table loaded (semantics C4). */
  ready(): Readiness;
  stores(): StoreHealth[] | Promise<StoreHealth[]>;
  journal(): JournalHealth;
  /** In the order of the file. */
  apps(): AppStatus[] | Promise<AppStatus[]>;
  /** Undefined if there is no such app. */
  census(app: string): CensusView | undefined;
  /** At most `limit` divergences behind `after`, in ascending order of path, and the number of all. */
  divergences(query: DivergencesQuery): Page | Promise<Page>;
  /** @returns the mounts whose truth is known now; none if no such mount waits for it */
  recover(query: RecoverQuery): Promise<string[]>;
  settle(query: SettleQuery): Promise<{ settled: boolean }>;
}

/** A page of divergences and the total of all pages. */
export interface Page {
  total: number;
  items: DivergenceItem[];
}

/** A running admin listener. */
export interface Admin {
  /** Like `http://127.0.0.1:9090`. */
  url: string;
  port: number;
  /** Stops listening and ends open connections. */
  close(): Promise<void>;
}

/** What an admin listener is made of; port 0 takes a free one. */
export interface AdminOptions {
  host: string;
  port: number;
  metrics: Metrics;
  logger: Logger;
  sources: AdminSources;
  /** Of Twinlake, for the OpenAPI document. */
  version?: string;
}

type Answer = { status?: number; body: unknown };

/** Starts the admin listener. Rejects if the address cannot be bound. */
export async function createAdmin(options: AdminOptions): Promise<Admin> {
  const { host, port, metrics, logger, sources, version = 'unknown' } = options;
  const app = fastify({
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: true,
    // Malformed escapes in the path, which never reach the error handler.
    frameworkErrors: (error, _request, reply) => {
      refuse(reply as FastifyReply, error.statusCode ?? 400, 'invalid', error.message);
    },
    // Unknown parameters are an error, so a misspelt `limit` is not silently a default.
    ajv: { customOptions: { removeAdditional: false } },
  });
  // Bodies are never read, as no operation takes one: even an odd content type gets its 404 or 405.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _body, done) => done(null));
  refuseInJson(app, logger);

  const document = openapi(version);
  const on = (route: AdminRoute, answer: (request: FastifyRequest) => Answer | Promise<Answer>): void => {
    const schema = { response: route.answers, ...(route.query && { querystring: route.query }) };
    app[route.method ?? 'get'](
      route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      { schema },
      async (request, reply) => {
        const { status = 200, body } = await answer(request);
        return reply.code(status).header('cache-control', 'no-store').send(body);
      },
    );
  };

  app.get(adminRoutes.metrics.path, async (_request, reply) => {
    const { contentType, body } = await metrics.expose();
    return reply.header('content-type', contentType).send(body);
  });
  on(adminRoutes.live, () => ({ body: { status: 'live' } }));
  on(adminRoutes.ready, () => {
    const body = sources.ready();
    return { status: body.ready ? 200 : 503, body };
  });
  on(adminRoutes.stores, async () => {
    const stores = await sources.stores();
    const journal = sources.journal();
    const healthy = journal.writable && stores.every((store) => store.reachable && store.breaker !== 'open');
    return { status: healthy ? 200 : 503, body: { healthy, stores, journal } };
  });
  on(adminRoutes.apps, async () => ({ body: await sources.apps() }));
  on(adminRoutes.census, (request) => {
    const { app } = request.params as AppParams;
    const body = sources.census(app);
    return body
      ? { body }
      : { status: 404, body: { error: { code: 'not-found', message: `there is no app ${app}` } } };
  });
  on(adminRoutes.divergences, async (request) => {
    const query = request.query as DivergencesQuery;
    // ajv coerces 1e999 to Infinity, to which it applies no maximum.
    if (!Number.isFinite(query.limit)) throw badRequest('querystring/limit must be a number');
    const { total, items } = await sources.divergences(query);
    const next = items.length === query.limit ? items.at(-1)?.path : undefined;
    return { body: { total, items, ...(next !== undefined && { next }) } };
  });
  on(adminRoutes.settle, async (request) => ({
    body: await sources.settle(request.query as SettleQuery),
  }));
  on(adminRoutes.recover, async (request) => {
    const mounts = await sources.recover(request.query as RecoverQuery);
    if (mounts.length === 0) throw badRequest('no such mount waits for its truth');
    return { body: { mounts } };
  });
  on(adminRoutes.openapi, () => ({ body: document }));

  await app.listen({ host, port });
  const bound = app.server.address() as AddressInfo;
  const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return { url: `http://${name}:${bound.port}`, port: bound.port, close: () => app.close() };
}

/** Matches the paths of a route. */
function patternOf({ path }: AdminRoute): RegExp {
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}

function badRequest(message: string): Error {
  return Object.assign(new Error(message), { statusCode: 400 });
}

function refuse(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } });
}

/** Every refusal has one shape, and nothing of the inside shows. */
function refuseInJson(app: FastifyInstance, logger: Logger): void {
  app.setNotFoundHandler((request, reply) => {
    const known = Object.values<AdminRoute>(adminRoutes).find((route) =>
      patternOf(route).test(request.url.split('?')[0]!),
    );
    return known
      ? refuse(
          reply.header('allow', known.method === 'post' ? 'POST' : 'GET, HEAD'),
          405,
          'method-not-allowed',
          `${request.method} is not for this path`,
        )
      : refuse(reply, 404, 'not-found', `no such path; ${adminRoutes.openapi.path} lists what there is`);
  });
  app.setErrorHandler<Error & { statusCode?: number }>((error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return refuse(reply, status, 'invalid', error.message);
    logger.error({ err: error, url: request.url }, 'admin request failed');
    return refuse(reply, 503, 'unavailable', 'the answer cannot be given now; the log says why');
  });
}
