// What a path is: GETFILESTATUS, GETCONTENTSUMMARY, GETQUOTAUSAGE, GETFILECHECKSUM, CHECKACCESS, block locations.
import type { Entry } from '../../core/entry.ts';
import type { SummaryResult } from '../../core/query.ts';
import { StoreError } from '../../core/store-error.ts';
import type { FaceReply } from '../../wire/http.ts';
import { toContentSummary, toFileChecksum, toFileStatus } from '../../wire/webhdfs/file-status.ts';
import { wrong } from '../../wire/webhdfs/params.ts';
import type { Exchange } from './exchange.ts';
import { emptyReply, jsonReply } from './replies.ts';

/** Also GETFILELINKSTATUS: there are no links. */
export async function getFileStatus({ store, ctx, target }: Exchange): Promise<FaceReply> {
  const { entry } = await store.query({ verb: 'stat', path: target.path }, ctx);
  return jsonReply(200, { FileStatus: toFileStatus(entry, '', target.dialect) });
}

export async function getContentSummary(exchange: Exchange): Promise<FaceReply> {
  const { summary, self } = await summarize(exchange);
  return jsonReply(200, toContentSummary(summary, self, exchange.target.dialect));
}

export async function getQuotaUsage(exchange: Exchange): Promise<FaceReply> {
  const { summary, self } = await summarize(exchange);
  const QuotaUsage = {
    fileAndDirectoryCount: summary.fileCount + summary.directoryCount + (self === 'directory' ? 1 : 0),
    quota: -1,
    spaceConsumed: summary.lengthBytes,
    spaceQuota: -1,
    typeQuota: {},
  };
  return jsonReply(200, { QuotaUsage });
}

async function summarize({
  store,
  ctx,
  target: { path },
}: Exchange): Promise<{ summary: SummaryResult; self: Entry['type'] }> {
  const { entry } = await store.query({ verb: 'stat', path }, ctx);
  return { summary: await store.query({ verb: 'summary', path }, ctx), self: entry.type };
}

export async function getFileChecksum({ store, ctx, target }: Exchange): Promise<FaceReply> {
  return jsonReply(200, toFileChecksum(await store.query({ verb: 'checksum', path: target.path }, ctx)));
}

/** 200 with nothing, or an error. */
export async function checkAccess({ store, ctx, target }: Exchange): Promise<FaceReply> {
  const action = target.params.required('fsaction');
  if (!/^[r-][w-][x-]$/.test(action)) wrong('fsaction', `'${action.slice(0, 20)}' is not like r-x`);
  const bits = [...action].reduce((all, letter) => all * 2 + (letter === '-' ? 0 : 1), 0);
  await store.query({ verb: 'access', path: target.path, action: bits }, ctx);
  return emptyReply(200, target.dialect);
}

/** One location, this server: what schedulers need to split a file, and no hint where to run. */
export async function getFileBlockLocations(exchange: Exchange): Promise<FaceReply> {
  const { store, ctx, target, baseUrl } = exchange;
  const offset = target.params.integer('offset', 0) ?? 0;
  const { entry } = await store.query({ verb: 'stat', path: target.path }, ctx);
  if (entry.type === 'directory') {
    throw new StoreError('is-directory', `Path is not a file: ${target.path}`, {
      code: 'FileNotFoundException',
    });
  }
  const length = Math.max(
    0,
    Math.min(target.params.integer('length', 0) ?? Infinity, entry.lengthBytes - offset),
  );
  const { host, hostname } = new URL(baseUrl());
  const location = {
    cachedHosts: [],
    corrupt: false,
    hosts: [hostname],
    length,
    names: [host],
    offset,
    storageTypes: [],
    topologyPaths: [`/default-rack/${host}`],
  };
  return jsonReply(200, { BlockLocations: { BlockLocation: length > 0 ? [location] : [] } });
}
