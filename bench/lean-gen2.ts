// Just enough of a Gen2 account: no disk, no signatures, canned answers.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createLeanFiles } from './lean-files.ts';
import { accountPath, fileBytes } from './scenarios.ts';

const content = Buffer.alloc(fileBytes, 0x61);

/** What the service sends with every answer about a path. */
const pathHeaders = {
  etag: '"0x8DC000000000000"',
  'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT',
  'x-ms-request-id': '00000000-0000-0000-0000-000000000000',
  'x-ms-version': '2024-11-04',
  'x-ms-request-server-encrypted': 'true',
};
const fileHeaders = {
  ...pathHeaders,
  'accept-ranges': 'bytes',
  'content-type': 'application/octet-stream',
  'x-ms-resource-type': 'file',
  'x-ms-permissions': 'rw-r--r--',
  'x-ms-owner': '$superuser',
  'x-ms-group': '$superuser',
  'x-ms-lease-state': 'available',
  'x-ms-lease-status': 'unlocked',
};
const folderHeaders = {
  ...fileHeaders,
  'x-ms-resource-type': 'directory',
  'x-ms-permissions': 'rwxr-xr-x',
  'x-ms-acl': 'user::rwx,group::r-x,other::r-x',
};

/** A request handler with files of its own. */
export function createLeanGen2(): (request: IncomingMessage, response: ServerResponse) => void {
  const files = createLeanFiles();

  const refuse = (response: ServerResponse, status: number, code: string): void => {
    const headers = { 'content-length': 0, 'x-ms-error-code': code };
    response.writeHead(status, headers);
    response.end();
  };

  const put = (path: string, request: IncomingMessage, response: ServerResponse): void => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => {
      const search = request.url!;
      const renamed = request.headers['x-ms-rename-source']?.toString();
      const isAppend = search.includes('action=append');
      if (isAppend) files.set(path, (files.lengthOf(path) ?? 0) + bytes);
      else if (renamed) files.move(decodeURIComponent(renamed).split('?')[0]!, path);
      else if (request.method === 'PUT') files.set(path, bytes);
      const status = isAppend ? 202 : request.method === 'PATCH' ? 200 : 201;
      response.writeHead(status, { ...pathHeaders, 'content-length': 0 });
      response.end();
    });
  };

  return (request, response) => {
    const path = request.url!.split('?')[0]!.slice(accountPath.length);
    if (request.method === 'PUT' || request.method === 'PATCH') {
      put(path, request, response);
      return;
    }
    request.resume();
    const length = files.lengthOf(path);
    if (request.method === 'DELETE') {
      files.delete(path);
      response.writeHead(200, { ...pathHeaders, 'content-length': 0 });
      response.end();
    } else if (request.method === 'GET' && request.url!.includes('resource=filesystem')) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 12 });
      response.end('{"paths":[]}');
    } else if (length !== undefined) {
      response.writeHead(200, { ...fileHeaders, 'content-length': length });
      response.end(request.method === 'HEAD' ? undefined : content);
    } else if (/^\/lake(\/w)?$/.test(path)) {
      response.writeHead(200, { ...folderHeaders, 'content-length': 0 });
      response.end();
    } else refuse(response, 404, 'PathNotFound');
  };
}
