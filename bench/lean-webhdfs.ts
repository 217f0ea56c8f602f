// Just enough of a NameNode that is its own DataNode: no disk, no checks, canned answers.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createLeanFiles } from './lean-files.ts';
import { fileBytes } from './scenarios.ts';

const content = Buffer.alloc(fileBytes, 0x61);
const prefix = '/webhdfs/v1';

function json(response: ServerResponse, status: number, value: unknown): void {
  const text = JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': text.length });
  response.end(text);
}

function statusOf(length: number | undefined) {
  return {
    accessTime: 1_700_000_000_000,
    blockSize: 134_217_728,
    childrenNum: 0,
    fileId: 17_000,
    group: 'lake',
    length: length ?? 0,
    modificationTime: 1_700_000_000_000,
    owner: 'lake',
    pathSuffix: '',
    permission: length === undefined ? '755' : '644',
    replication: length === undefined ? 0 : 3,
    storagePolicy: 0,
    type: length === undefined ? 'DIRECTORY' : 'FILE',
  };
}

const notFound = {
  RemoteException: {
    exception: 'FileNotFoundException',
    javaClassName: 'java.io.FileNotFoundException',
    message: 'File does not exist',
  },
};
const emptyFolder = {
  DirectoryListing: { partialListing: { FileStatuses: { FileStatus: [] } }, remainingEntries: 0 },
};

/** A request handler with files of its own. */
export function createLeanWebhdfs(): (request: IncomingMessage, response: ServerResponse) => void {
  const files = createLeanFiles();
  const isFolder = (path: string): boolean => /^(\/|\/lake|\/lake\/w)$/.test(path);

  const write = (op: string, path: string, request: IncomingMessage, response: ServerResponse): void => {
    if (!request.url!.includes('data=true')) {
      const location = `http://${request.headers.host}${request.url}&data=true`;
      request.resume();
      if (request.url!.includes('noredirect=true')) {
        json(response, 200, { Location: location });
        return;
      }
      response.writeHead(307, { location, 'content-length': 0 });
      response.end();
      return;
    }
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => {
      files.set(path, op === 'APPEND' ? (files.lengthOf(path) ?? 0) + bytes : bytes);
      response.writeHead(op === 'APPEND' ? 200 : 201, { 'content-length': 0 });
      response.end();
    });
  };

  return (request, response) => {
    const [rawPath = '', search = ''] = request.url!.split('?');
    const path = rawPath.slice(prefix.length);
    const op = /(?:^|&)op=([A-Z_]+)/i.exec(search)?.[1]?.toUpperCase() ?? '';
    if (op === 'CREATE' || op === 'APPEND') {
      write(op, path, request, response);
      return;
    }
    request.resume();
    const length = files.lengthOf(path);
    if (op === 'OPEN') {
      response.writeHead(200, {
        'content-type': 'application/octet-stream',
        'content-length': content.length,
      });
      response.end(content);
    } else if (op === 'GETFILESTATUS') {
      if (length === undefined && !isFolder(path)) json(response, 404, notFound);
      else json(response, 200, { FileStatus: statusOf(length) });
    } else if (op === 'LISTSTATUS_BATCH') json(response, 200, emptyFolder);
    else if (op === 'GETXATTRS') json(response, 200, { XAttrs: [] });
    else if (op === 'GETACLSTATUS') json(response, 200, { AclStatus: { entries: [], permission: '644' } });
    else {
      if (op === 'DELETE') files.delete(path);
      if (op === 'RENAME') files.move(path, new URLSearchParams(search).get('destination') ?? '');
      json(response, 200, { boolean: true });
    }
  };
}
