// What is the same for every path, or follows from the user's name: home, trash, server defaults, space, tokens.

import type { FaceReply } from '../../wire/http.ts';
import type { Exchange } from './exchange.ts';
import { jsonReply } from './replies.ts';

const homeOf = ({ ctx }: Exchange): string => `/user/${ctx.caller.user ?? 'nobody'}`;

export async function getHomeDirectory(exchange: Exchange): Promise<FaceReply> {
  return jsonReply(200, { Path: homeOf(exchange) });
}

export async function getTrashRoot(exchange: Exchange): Promise<FaceReply> {
  return jsonReply(200, { Path: `${homeOf(exchange)}/.Trash` });
}

/** A cluster without security has none to give (Hadoop answers the same). */
export async function getDelegationToken(): Promise<FaceReply> {
  return jsonReply(200, { Token: null });
}

/** Hadoop's own defaults; checksumType 2 is CRC32C. */
export async function getServerDefaults(): Promise<FaceReply> {
  const FsServerDefaults = {
    blockSize: 134_217_728,
    bytesPerChecksum: 512,
    writePacketSize: 65_536,
    replication: 3,
    fileBufferSize: 4096,
    encryptDataTransfer: false,
    trashInterval: 0,
    checksumType: 2,
    keyProviderUri: '',
    defaultStoragePolicyId: 7,
  };
  return jsonReply(200, { FsServerDefaults });
}

/**
 * What Hadoop says of a file system that knows no bounds (`FileSystem.getStatus`): Long.MAX_VALUE, which is no number of JavaScript,
 * hence the text. A cluster's own figures would be those of one of the two stores only.
 */
export async function getStatus(): Promise<FaceReply> {
  const unbounded = '9223372036854775807';
  const body = `{"FsStatus":{"used":0,"remaining":${unbounded},"capacity":${unbounded}}}`;
  return { ...jsonReply(200, {}, { 'content-length': body.length }), body };
}
