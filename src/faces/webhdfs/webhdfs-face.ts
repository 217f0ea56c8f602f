// The WebHDFS and Gen1 face: one request in, one answer out, in the words of whichever of the two is spoken.
import type { Caller, Ctx, Store, Trail } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { type Face, type FaceReply, type FaceRequest, header } from '../../wire/http.ts';
import { believe, type Identify } from '../../wire/identify.ts';
import type { Served } from '../../wire/served.ts';
import { dialectOf, isExtensionTarget, parseTarget, type WebhdfsTarget } from '../../wire/webhdfs/target.ts';
import { callerOf } from './callers.ts';
import type { Exchange } from './exchange.ts';
import type { LinkSigner } from './links.ts';
import { operations } from './operations.ts';
import { errorReply, finishReply } from './replies.ts';
import { type Report, served } from './report.ts';
import { firstStep } from './two-step.ts';
import { forward, refusal } from './unserved.ts';

/** What the face is made of. */
export interface WebhdfsFaceOptions {
  store: Store;
  links: LinkSigner;
  /** Scheme and authority that clients reach this face by; default: what the Host header says. */
  publicUrl?: string | (() => string);
  /** Epoch milliseconds. */
  now?: () => number;
  /** Finds out who calls; default: `user.name` is believed, as a cluster without security does. */
  identify?: Identify;
  /** What a 401 says of how to come in (`WWW-Authenticate`). */
  challenge?: string;
  /** The app that a caller is routed to, to be fixed in links between two steps. @throws StoreError */
  appOf?: (caller: Caller) => string | undefined;
  /** Told of each operation that could be neither served nor forwarded. */
  onRefused?: (reason: string, request: FaceRequest) => void;
  /** Told of each answer. */
  onServed?: (served: Served) => void;
}

/** Serves a store; see `isWebhdfsTarget` for the requests to send here. */
export function createWebhdfsFace(options: WebhdfsFaceOptions): Face {
  return async (request) => {
    const dialect = dialectOf(request.target, header(request.headers, 'host'));
    const extension = isExtensionTarget(request.target);
    const trail: Trail = {};
    const report: Report = { trail };
    let reply: FaceReply;
    try {
      const target = parseTarget(request.target, dialect);
      report.target = target;
      const exchange = await startExchange(options, request, target, trail);
      report.caller = exchange.ctx.caller;
      reply = await serve(options, exchange, report);
    } catch (error) {
      const failure = StoreError.from(error);
      if (failure.kind === 'unsupported') report.result = 'unsupported';
      reply = errorReply(failure, dialect);
    }
    options.onServed?.(served(report, reply.status));
    const { challenge } = options;
    if (reply.status === 401 && challenge !== undefined) reply.headers['www-authenticate'] = challenge;
    return finishReply(reply, request, dialect, extension, trail);
  };
}

async function serve(options: WebhdfsFaceOptions, exchange: Exchange, report: Report): Promise<FaceReply> {
  const { target, request } = exchange;
  const found = Object.hasOwn(operations, target.op) ? operations[target.op] : undefined;
  const served = found?.method === request.method ? found : undefined;
  if (!served || served.preferDirect) {
    const answer = await forward(exchange);
    if (answer) {
      report.result = 'forwarded';
      return answer;
    }
  }
  if (served) return firstStep(exchange, served) ?? (await served.run(exchange));
  // One of two words, the Gen2 face's too: it becomes a label, and a client chooses the names of its operations.
  const asks = request.method === 'GET' || request.method === 'HEAD';
  report.result = 'unsupported';
  options.onRefused?.(asks ? 'unknown-query' : 'unknown-mutation', request);
  throw refusal(exchange);
}

async function startExchange(
  options: WebhdfsFaceOptions,
  request: FaceRequest,
  target: WebhdfsTarget,
  trail: Trail,
): Promise<Exchange> {
  const now = options.now ?? Date.now;
  const { links, store, publicUrl, identify = believe, appOf } = options;
  const caller = await callerOf(request, target, links, now(), identify);
  const { requestId, signal } = request;
  const ctx: Ctx = { requestId, caller, signal, trail, protocol: 'webhdfs' };
  const baseUrl = (): string => baseUrlOf(request, publicUrl);
  return { request, target, ctx, store, links, now, baseUrl, ...(appOf && { appOf }) };
}

function baseUrlOf(request: FaceRequest, publicUrl: string | (() => string) | undefined): string {
  const fixed = typeof publicUrl === 'function' ? publicUrl() : publicUrl;
  if (fixed !== undefined) return fixed.replace(/\/+$/, '');
  const host = header(request.headers, 'host') ?? '';
  // It goes into a Location and a JSON answer.
  if (!/^[A-Za-z0-9._~:[\]-]{1,300}$/.test(host)) throw StoreError.invalid('the request needs a Host header');
  return `${request.scheme}://${host}`;
}
