// Azure Data Lake Store Gen1: WebHDFS without redirects, with tokens, pages and pieces of its own.
import { randomUUID } from 'node:crypto';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { fromFileStatuses } from '../../wire/webhdfs/file-status.ts';
import { drain, errorOf, type Opened, openedBy } from '../webhdfs/answers.ts';
import { forwardRaw } from '../webhdfs/forward.ts';
import {
  type Call,
  type CallParams,
  callUrl,
  type HadoopCalls,
  type Requests,
  sendCall,
  type Write,
} from '../webhdfs/hadoop-calls.ts';
import type { Transport } from '../webhdfs/transport.ts';
import { asUnknown } from '../webhdfs/transport-errors.ts';
import type { Upload } from '../webhdfs/upload-body.ts';
import { pieces } from './gen1-pieces.ts';

/** The newest version whose LISTSTATUS has been seen with a continuationToken. */
const apiVersion = '2018-09-01';
/** Entries of one LISTSTATUS: what the service's own SDKs ask for. */
const listSize = 4_000;

/** Owners and groups as object ids; the length as the last APPEND left it. */
const paramsOf: Record<string, CallParams> = {
  GETFILESTATUS: { tooid: true, getconsistentlength: true },
  LISTSTATUS: { tooid: true },
  MSGETACLSTATUS: { tooid: true },
};

/** @param authorization value of the header, asked for each request */
export function createGen1Calls(
  url: string,
  authorization: () => Promise<string>,
  transport: Transport,
): HadoopCalls {
  const requests: Requests = {
    url: (call) => callUrl(url, call, { ...paramsOf[call.op], ...call.params, 'api-version': apiVersion }),
    headers: async () => ({ authorization: await authorization() }),
  };
  const json = (call: Call, ctx: Ctx): Promise<unknown> => sendCall(transport, requests, call, ctx);
  return {
    dialect: 'gen1',
    json,
    open: (path, offset, lengthBytes, ctx) => open(transport, requests, path, offset, lengthBytes, ctx),
    write: (write, upload, ctx) => writePieces(transport, requests, write, upload, ctx),
    async listPage(path, startAfter, ctx) {
      const params = { listSize, listAfter: startAfter };
      const page = fromFileStatuses(await json({ method: 'GET', op: 'LISTSTATUS', path, params }, ctx), path);
      return { entries: page.entries, more: page.token !== undefined };
    },
    replacesOnRename: async () => true,
    async forward(request, ctx, signal) {
      const headers = await requests.headers(ctx);
      const extension = /(^|&)op=(setexpiry|concurrentappend)(&|$)/i.test(request.search);
      return forwardRaw(transport, { baseUrl: url, params: {}, headers, extension }, request, signal);
    },
  };
}

async function open(
  transport: Transport,
  requests: Requests,
  path: string,
  offset: number,
  lengthBytes: number | undefined,
  ctx: Ctx,
): Promise<Opened> {
  const params = { read: true, offset, ...(lengthBytes === undefined ? {} : { length: lengthBytes }) };
  const answer = await transport.request({
    method: 'GET',
    url: requests.url({ method: 'GET', op: 'OPEN', path, params }, ctx),
    headers: await requests.headers(ctx),
    signal: ctx.signal,
    mutating: false,
  });
  if (answer.status !== 200) throw await errorOf(answer, ctx.signal, false);
  return openedBy(answer);
}

/**
 * The first piece is the CREATE's body, the others are APPENDs at their offsets, which the service checks. One lease id for all: nobody
 * else can write in between. What is left after a failure stays leased for some ten minutes.
 */
async function writePieces(
  transport: Transport,
  requests: Requests,
  write: Write,
  upload: Upload,
  ctx: Ctx,
): Promise<void> {
  const id = randomUUID();
  let started = false;
  try {
    for await (const { bytes, offset, last } of pieces(upload)) {
      const syncFlag = last ? 'CLOSE' : 'DATA';
      const lease = { syncFlag, leaseid: id, filesessionid: id };
      const call: Call =
        write.op === 'CREATE' && offset === 0
          ? { method: 'PUT', op: 'CREATE', path: write.path, params: { ...createParams(write), ...lease } }
          : { method: 'POST', op: 'APPEND', path: write.path, params: appendParams(write, offset, lease) };
      await sendPiece(transport, requests, call, bytes, ctx);
      started = true;
    }
  } catch (error) {
    throw started ? asUnknown(error) : error;
  }
}

/** Gen1 knows one permission, and neither replication nor block sizes. */
function createParams({ params }: Write): CallParams {
  return { write: true, overwrite: params.overwrite, permission: params.permission };
}

function appendParams({ position }: Write, offset: number, lease: CallParams): CallParams {
  return { append: true, offset: position + offset, ...lease };
}

async function sendPiece(
  transport: Transport,
  requests: Requests,
  call: Call,
  bytes: Buffer,
  ctx: Ctx,
): Promise<void> {
  const headers = { ...(await requests.headers(ctx)), 'content-type': 'application/octet-stream' };
  const url = requests.url(call, ctx);
  const answer = await transport.request({
    method: call.method,
    url,
    headers,
    signal: ctx.signal,
    mutating: true,
    body: bytes,
  });
  if (answer.status >= 400) throw await errorOf(answer, ctx.signal, true);
  await drain(answer.body);
  if (answer.status >= 300) {
    throw new StoreError('internal', `Gen1 answered ${answer.status}, and it never redirects`);
  }
}
