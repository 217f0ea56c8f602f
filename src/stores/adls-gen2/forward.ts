// Raw requests of DFS and Blob clients, for transparent routes: the gateway's own identity instead of theirs.
import type { RawRequest, RawResponse } from '../../core/store.ts';
import type { Account } from './account.ts';
import { isMutating } from './transport.ts';

/** Of one connection, or about who the client is. */
const requestPrivate =
  /^(host|connection|keep-alive|transfer-encoding|te|trailer|upgrade|expect|authorization|proxy-.*|date|x-ms-date|x-twinlake-.*)$/;
const responsePrivate = /^(connection|keep-alive|transfer-encoding|upgrade|trailer|proxy-.*)$/;
/** Parameters of a SAS: the client's, not ours. */
const sasParameter =
  /^(sv|ss|srt|sp|se|st|spr|sip|sr|si|sig|sdd|skoid|sktid|skt|ske|sks|skv|saoid|suoid|scid|ses)=/i;

/** @throws StoreError of the connection; whatever the account answers is returned */
export async function forward(
  account: Account,
  request: RawRequest,
  signal: AbortSignal,
): Promise<RawResponse> {
  const { method, path, body } = request;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !requestPrivate.test(name))
      headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  const hasBody =
    isMutating(method) && (Number(headers['content-length']) > 0 || request.headers['transfer-encoding']);
  if (!hasBody) {
    if (isMutating(method)) headers['content-length'] = '0';
    else delete headers['content-length'];
    body?.destroy();
  }
  const search = request.search
    .split('&')
    .filter((pair) => pair !== '' && !sasParameter.test(pair))
    .join('&');
  const answer = await account.forward(
    {
      method,
      rawPath: path.split('/').map(encodeURIComponent).join('/'),
      search,
      headers,
      api: apiOf(search, headers),
      ...(hasBody && body ? { body } : {}),
    },
    signal,
  );
  const kept: RawResponse['headers'] = {};
  for (const [name, value] of Object.entries(answer.headers))
    if (!responsePrivate.test(name)) kept[name] = value;
  return { status: answer.status, headers: kept, body: answer.body };
}

/** Which of the account's two hosts understands it (Gen2 reference §1.4). */
function apiOf(search: string, headers: Record<string, string>): 'dfs' | 'blob' {
  if (/(^|&)(comp|restype)=/i.test(search)) return 'blob';
  return 'x-ms-blob-type' in headers || 'x-ms-copy-source' in headers ? 'blob' : 'dfs';
}
