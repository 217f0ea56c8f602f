// WebHDFS at a NameNode and HttpFS: redirects to DataNodes are followed here and seen by nobody.
import type { Entry } from '../../core/entry.ts';
import { compareNames, nameOf } from '../../core/path.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { fromFileStatuses } from '../../wire/webhdfs/file-status.ts';
import { drain, errorOf, openedBy, readJson } from './answers.ts';
import { forwardRaw } from './forward.ts';
import {
  type Call,
  type CallParams,
  callUrl,
  type FolderPage,
  type HadoopCalls,
  type Requests,
  type Write,
} from './hadoop-calls.ts';
import { nextUrl } from './locations.ts';
import { type Answer, type Outgoing, splitUrl, type Transport } from './transport.ts';
import type { Upload } from './upload-body.ts';

/** How often one request is sent on; a NameNode does so once. */
const maxRedirects = 3;

export interface WebhdfsAccess {
  url: string;
  user?: string;
  flavor: 'namenode' | 'httpfs' | 'auto';
  doAs: boolean;
  /** Value of the Authorization header. */
  authorization?: () => Promise<string>;
}

/** The calls of one NameNode or HttpFS. */
export function createWebhdfsCalls(access: WebhdfsAccess, transport: Transport): HadoopCalls {
  const requests = webhdfsRequests(access);
  let flavor = access.flavor === 'auto' ? undefined : access.flavor;
  let batches = true;
  const outgoing = async (call: Call, ctx: Ctx): Promise<Outgoing> => ({
    method: call.method,
    url: requests.url(call, ctx),
    headers: await requests.headers(ctx),
    signal: ctx.signal,
    mutating: call.method !== 'GET',
  });
  const json = async (call: Call, ctx: Ctx): Promise<unknown> => {
    const request = await outgoing(call, ctx);
    const answer = await follow(transport, access.url, request, call.path);
    return readJson(answer, ctx.signal, request.mutating);
  };
  const isHttpfs = async (ctx: Ctx): Promise<boolean> => {
    flavor ??= await findFlavor(json, ctx);
    return flavor === 'httpfs';
  };
  return {
    dialect: 'webhdfs',
    json,
    async open(path, offset, lengthBytes, ctx) {
      const params = { offset, ...(lengthBytes === undefined ? {} : { length: lengthBytes }) };
      const answer = await follow(
        transport,
        access.url,
        await outgoing({ method: 'GET', op: 'OPEN', path, params }, ctx),
        path,
      );
      if (answer.status !== 200) throw await errorOf(answer, ctx.signal, false);
      return openedBy(answer);
    },
    async write(write, upload, ctx) {
      const call = writeCall(write);
      const first = await outgoing(call, ctx);
      const url =
        flavor === 'httpfs' ? `${first.url}&data=true` : await secondStep(transport, first, write.path);
      await send(transport, access.url, { ...first, url }, upload);
    },
    async listPage(path, startAfter, ctx) {
      // HttpFS 3.4 answers a batch with the whole folder, whatever it is to start after.
      if (batches && (startAfter === undefined || !(await isHttpfs(ctx)))) {
        try {
          return await listBatch(json, path, startAfter, ctx);
        } catch (error) {
          if (!isUnknownOperation(error)) throw error;
          batches = false;
        }
      }
      const page = fromFileStatuses(await json({ method: 'GET', op: 'LISTSTATUS', path }, ctx), path);
      return { entries: sortedBehind(page.entries, startAfter), more: false };
    },
    // HttpFS does not look at renameoptions.
    replacesOnRename: async (ctx) => !(await isHttpfs(ctx)),
    async forward(request, ctx, signal) {
      const who: CallParams = identity(access, ctx);
      const headers = await requests.headers(ctx);
      return forwardRaw(
        transport,
        { baseUrl: access.url, params: who, headers, extension: false },
        request,
        signal,
      );
    },
  };
}

function identity(access: WebhdfsAccess, ctx: Ctx): CallParams {
  const caller = access.doAs ? ctx.caller.user : undefined;
  return {
    'user.name': access.user,
    doas: caller !== undefined && caller !== access.user ? caller : undefined,
  };
}

function webhdfsRequests(access: WebhdfsAccess): Requests {
  return {
    url: (call, ctx) => callUrl(access.url, call, { ...call.params, ...identity(access, ctx) }),
    headers: async () => (access.authorization ? { authorization: await access.authorization() } : {}),
  };
}

/**
 * Only a first step for HttpFS names `data=true` in its Location; it changes nothing on either. Undefined if it cannot be told yet: a
 * NameNode refuses while it knows no DataNode, and HttpFS, which asks nobody for this, does not.
 */
async function findFlavor(
  json: (call: Call, ctx: Ctx) => Promise<unknown>,
  ctx: Ctx,
): Promise<'namenode' | 'httpfs' | undefined> {
  const params = { noredirect: true };
  try {
    const answer = await json({ method: 'PUT', op: 'CREATE', path: '/twinlake-flavor', params }, ctx);
    return /[?&]data=true/i.test(locationIn(answer) ?? '') ? 'httpfs' : 'namenode';
  } catch (error) {
    if (/Exception$/.test(StoreError.from(error).code ?? '')) return undefined;
    throw error;
  }
}

function writeCall({ op, path, params }: Write): Call {
  return { method: op === 'CREATE' ? 'PUT' : 'POST', op, path, params };
}

/** The first step of CREATE and APPEND: no body, and no change. @throws StoreError */
async function secondStep(transport: Transport, first: Outgoing, path: string): Promise<string> {
  const answer = await transport.request({ ...first, mutating: false });
  const { status, headers } = answer;
  if (status >= 400) throw await errorOf(answer, first.signal, false);
  const location = status < 300 ? locationIn(await readJson(answer, first.signal, false)) : headers.location;
  if (status >= 300) await drain(answer.body);
  if (typeof location !== 'string') {
    throw new StoreError('internal', `the store answered ${status} and no Location to a first step`);
  }
  return nextUrl(location, first.url, path);
}

async function send(transport: Transport, baseUrl: string, request: Outgoing, upload: Upload): Promise<void> {
  const headers = {
    ...ownHeaders(request, baseUrl),
    // HttpFS refuses anything else.
    'content-type': 'application/octet-stream',
  };
  const answer = await transport.upload({ ...request, headers, mutating: true }, upload);
  if (answer.status >= 300) throw await errorOf(answer, request.signal, true);
  await drain(answer.body);
}

/** GETs (OPEN, GETFILECHECKSUM) that a NameNode hands to a DataNode. */
async function follow(
  transport: Transport,
  baseUrl: string,
  request: Outgoing,
  path: string,
): Promise<Answer> {
  let url = request.url;
  for (let hop = 0; hop <= maxRedirects; hop++) {
    const answer = await transport.request({
      ...request,
      url,
      headers: ownHeaders({ ...request, url }, baseUrl),
    });
    const { location } = answer.headers;
    if (request.mutating || answer.status < 300 || answer.status >= 400 || typeof location !== 'string') {
      return answer;
    }
    await drain(answer.body);
    url = nextUrl(location, url, path);
  }
  throw new StoreError('internal', `the store redirects more than ${maxRedirects} times`);
}

/** Credentials go to the service itself; a DataNode gets what the NameNode put into the Location. */
function ownHeaders({ url, headers }: Outgoing, baseUrl: string): Record<string, string> {
  return splitUrl(url).origin === splitUrl(baseUrl).origin ? headers : {};
}

function locationIn(json: unknown): string | undefined {
  const location = (json as { Location?: unknown } | undefined)?.Location;
  return typeof location === 'string' ? location : undefined;
}

async function listBatch(
  json: (call: Call, ctx: Ctx) => Promise<unknown>,
  path: string,
  startAfter: string | undefined,
  ctx: Ctx,
): Promise<FolderPage> {
  // In lower case: a NameNode that finds a capital in any name of a query decodes all its values twice (ParamFilter).
  const params = { startafter: startAfter };
  const { entries, remaining } = fromFileStatuses(
    await json({ method: 'GET', op: 'LISTSTATUS_BATCH', path, params }, ctx),
    path,
  );
  return { entries, more: (remaining ?? 0) > 0 };
}

/** The whole folder came at once, in whatever order. */
function sortedBehind(entries: readonly Entry[], startAfter: string | undefined): Entry[] {
  return entries
    .filter((entry) => startAfter === undefined || compareNames(nameOf(entry.path), startAfter) > 0)
    .sort((a, b) => compareNames(nameOf(a.path), nameOf(b.path)));
}

/** Hadoop before 3.0 has no LISTSTATUS_BATCH. */
function isUnknownOperation(error: unknown): boolean {
  const { kind, message } = StoreError.from(error);
  return kind === 'unsupported' || (kind === 'invalid' && /LISTSTATUS_BATCH|parameter "?op/i.test(message));
}
