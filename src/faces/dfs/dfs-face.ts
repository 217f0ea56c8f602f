// ADLS Gen2 over any store: the DFS API and the part of the Blob API that Data Lake clients use. Read it as the table of contents.
import type { Caller, Store, Trail } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { toDfsError } from '../../wire/dfs/errors.ts';
import { parseSharedKey } from '../../wire/dfs/shared-key.ts';
import { type Face, type FaceReply, type FaceRequest, header, splitTarget } from '../../wire/http.ts';
import { believe, type Identify } from '../../wire/identify.ts';
import type { Served } from '../../wire/served.ts';
import { type AccountNames, type Address, apiOf, parseAddress } from './address.ts';
import { blobOperation } from './blob-operations.ts';
import { dfsOperation } from './dfs-operations.ts';
import type { Exchange } from './exchange.ts';
import { errorReply, failureReply } from './replies.ts';
import { type Report, served } from './report.ts';
import { subjectOf } from './subject.ts';
import { forward, isInexpressible, refusal } from './unserved.ts';

/** Options of the face. */
export interface DfsFaceOptions {
  store: Store;
  /** Account names that may stand in a path. */
  accounts: readonly string[];
  /** Finds out who calls; default: nobody is asked. */
  identify?: Identify;
  /** What a 401 says of how to come in (`WWW-Authenticate`). */
  challenge?: string;
  now?: () => number;
  /** Told of each operation that could be neither served nor forwarded. */
  onRefused?: (reason: string, request: FaceRequest) => void;
  /** Told of each answer, and of each within a batch. */
  onServed?: (served: Served) => void;
}

/** Newest version this face was written against; a request's own version is echoed. */
const apiVersion = '2024-11-04';

async function callerOf(
  identify: Identify,
  request: FaceRequest,
  address: Address,
  accounts: AccountNames,
): Promise<Caller> {
  const host = header(request.headers, 'host');
  const claimedUser = parseSharedKey(header(request.headers, 'authorization'))?.account;
  const presented = { request, subject: subjectOf(request, address, accounts) };
  const identity = await identify(claimedUser === undefined ? presented : { ...presented, claimedUser });
  const { headers, loopback } = request;
  return { headers, loopback, ...(host === undefined ? {} : { host }), ...identity };
}

function methodOf(request: FaceRequest): string {
  const override = header(request.headers, 'x-http-method-override')?.toUpperCase();
  return request.method === 'PUT' && override === 'PATCH' ? 'PATCH' : request.method;
}

async function serve(options: DfsFaceOptions, exchange: Exchange, report: Report): Promise<FaceReply> {
  report.exchange = exchange;
  try {
    const known = exchange.api === 'dfs' ? dfsOperation(exchange) : blobOperation(exchange);
    if (known) report.op = known.name;
    if (known && !isInexpressible(exchange)) return await known(exchange);
    const forwarded = await forward(exchange);
    report.result = forwarded ? 'forwarded' : 'unsupported';
    return forwarded ?? refusal(exchange, options.onRefused);
  } catch (error) {
    return failureReply(exchange, StoreError.from(error));
  }
}

/** Headers that every answer carries (Gen2 reference §1.5). */
function finish(
  reply: FaceReply,
  request: FaceRequest,
  trail: Trail,
  nowMs: number,
  challenge: string | undefined,
): FaceReply {
  const version = header(request.headers, 'x-ms-version');
  const clientId = header(request.headers, 'x-ms-client-request-id');
  const headers: FaceReply['headers'] = {
    date: new Date(nowMs).toUTCString(),
    'x-ms-request-id': request.requestId,
    'x-ms-version': version !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(version) ? version : apiVersion,
    server: 'Windows-Azure-HDFS/1.0 Microsoft-HTTPAPI/2.0',
    ...reply.headers,
  };
  if (clientId !== undefined) headers['x-ms-client-request-id'] = clientId;
  if (reply.status === 401 && challenge !== undefined) headers['www-authenticate'] = challenge;
  if (trail.servedBy) headers['x-twinlake-served-by'] = trail.servedBy;
  if (trail.acked) headers['x-twinlake-acked'] = trail.acked.join(',');
  // Whether a client may simply try again.
  if (reply.status >= 500 && trail.changed === false) headers['x-twinlake-applied'] = 'no';
  return { ...reply, headers };
}

/** The face. */
export function createDfsFace(options: DfsFaceOptions): Face {
  const accounts = new Set(options.accounts);
  const { now = Date.now, identify = believe, challenge } = options;
  const face: Face = async (request) => {
    const report: Report = { trail: {} };
    const reply = await answer(request, report);
    options.onServed?.(served(report, reply.status));
    return reply;
  };
  const answer = async (request: FaceRequest, report: Report): Promise<FaceReply> => {
    const { trail } = report;
    const method = methodOf(request);
    const early = (error: unknown, params: ReadonlyMap<string, string>): FaceReply => {
      const api = apiOf(request, params);
      return errorReply(api, method, toDfsError(StoreError.from(error), api), request.requestId, now());
    };
    let address: Address;
    try {
      address = parseAddress(request, accounts);
    } catch (error) {
      return finish(
        early(error, new URLSearchParams(splitTarget(request.target).search) as never),
        request,
        trail,
        now(),
        challenge,
      );
    }
    try {
      const caller = await callerOf(identify, request, address, accounts);
      const { requestId, signal } = request;
      const ctx = { requestId, caller, signal, trail, protocol: 'dfs', wantEntry: true } as const;
      const api = apiOf(request, address.params);
      const exchange: Exchange = {
        request,
        method,
        address,
        accounts,
        api,
        store: options.store,
        ctx,
        now,
        face,
      };
      return finish(await serve(options, exchange, report), request, trail, now(), challenge);
    } catch (error) {
      return finish(early(error, address.params), request, trail, now(), challenge);
    }
  };
  return face;
}
