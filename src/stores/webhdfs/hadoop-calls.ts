// The calls that WebHDFS, HttpFS and Gen1 have in common: one operation on one path, JSON back.
import type { Entry } from '../../core/entry.ts';
import type { Ctx, RawRequest, RawResponse } from '../../core/store.ts';
import type { Dialect } from '../../wire/webhdfs/file-status.ts';
import { encodePath } from '../../wire/webhdfs/target.ts';
import { type Opened, readJson } from './answers.ts';
import type { Outgoing, Transport } from './transport.ts';
import type { Upload } from './upload-body.ts';

/** Query parameters; what is undefined is not sent. */
export type CallParams = Record<string, string | number | boolean | undefined>;

export interface Call {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  op: string;
  path: string;
  params?: CallParams;
  /** JSON. */
  body?: string;
  /** Gen1's second namespace. */
  extension?: boolean;
}

/** One page of a folder in the store's own order. */
export interface FolderPage {
  entries: Entry[];
  /** True if entries follow behind the last one. */
  more: boolean;
}

/** What differs between the three services, below the rules of a store. */
export interface HadoopCalls {
  dialect: Dialect;
  /** One operation; anything but GET counts as a change. @throws StoreError */
  json(call: Call, ctx: Ctx): Promise<unknown>;
  /** The bytes of a file, without `lengthBytes` to its end as it is now. @throws StoreError */
  open(path: string, offset: number, lengthBytes: number | undefined, ctx: Ctx): Promise<Opened>;
  /**
   * CREATE or APPEND. Of a failure with `applied: unknown` a part may have been written.
   * @param position where an append begins: the length of the file as it was seen
   */
  write(write: Write, upload: Upload, ctx: Ctx): Promise<void>;
  /** Entries behind `startAfter`, a name, in the store's own order; a file answers with itself. @throws StoreError */
  listPage(path: string, startAfter: string | undefined, ctx: Ctx): Promise<FolderPage>;
  /** Moves to a path whose parent is there and which is not a folder. True if it replaces a file atomically. */
  replacesOnRename(ctx: Ctx): Promise<boolean>;
  /** See `Direct`. */
  forward(request: RawRequest, ctx: Ctx, signal: AbortSignal): Promise<RawResponse>;
}

/** A file to be made, or to be made longer. */
export interface Write {
  op: 'CREATE' | 'APPEND';
  path: string;
  position: number;
  params: CallParams;
}

/** How one service builds and signs its requests. */
export interface Requests {
  url(call: Call, ctx: Ctx): string;
  headers(ctx: Ctx): Promise<Record<string, string>>;
}

/** `BASE/webhdfs/v1/PATH?op=OP&...`, every part escaped once. */
export function callUrl(baseUrl: string, call: Call, params: CallParams): string {
  const query = [`op=${call.op}`];
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) query.push(`${name}=${encodeURIComponent(value)}`);
  }
  const prefix = call.extension ? '/WebHdfsExt' : '/webhdfs/v1';
  return `${baseUrl.replace(/\/+$/, '')}${prefix}${encodePath(call.path)}?${query.join('&')}`;
}

/** Sends a call that the service answers at once. @throws StoreError */
export async function sendCall(
  transport: Transport,
  requests: Requests,
  call: Call,
  ctx: Ctx,
): Promise<unknown> {
  const mutating = call.method !== 'GET';
  const headers = await requests.headers(ctx);
  const outgoing: Outgoing & { body?: Buffer } = {
    method: call.method,
    url: requests.url(call, ctx),
    headers: call.body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    signal: ctx.signal,
    mutating,
    ...(call.body === undefined ? {} : { body: Buffer.from(call.body) }),
  };
  return readJson(await transport.request(outgoing), ctx.signal, mutating);
}
