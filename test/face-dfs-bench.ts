// A Gen2 face over memory, asked by hand; for the tests of what other clients send, and of what nobody should send.
import t, { type Test } from 'tap';
import type { Store } from '../src/core/store.ts';
import { createDfsFace, type DfsFaceOptions } from '../src/faces/dfs/dfs-face.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { faceRequest, type ReadReply, type RequestWords, readReply } from './face-request.ts';

/** The key of the account `acct`, base64. */
export const key = Buffer.from('secret').toString('base64');
export const json = { accept: 'application/json' };
export const xml = { accept: 'application/xml' };

/** `send('PUT /path', headers, body)` to a face that looks at no signature. */
export function bench(
  more: Partial<DfsFaceOptions> = {},
  change: (store: Store) => Store = (store) => store,
) {
  const store = change(createMemoryStore({ name: 'memory', rootFolders: 'filesystems' }));
  const refusals: string[] = [];
  const face = createDfsFace({
    store,
    accounts: ['acct'],
    onRefused: (reason) => refusals.push(reason),
    ...more,
  });
  const send = async (line: string, headers: Record<string, string> = {}, body?: RequestWords['body']) => {
    const [method, target] = line.split(' ') as [string, string];
    const request = faceRequest({ method, target, headers, ...(body === undefined ? {} : { body }) });
    const reply = await face(request);
    if (method !== 'HEAD') return readReply(reply);
    // The length that HEAD tells is that of the body it does not have.
    const { 'content-length': length, ...others } = reply.headers;
    t.notOk(reply.body, 'HEAD has no body');
    const read = await readReply({ ...reply, headers: others });
    return {
      ...read,
      headers: { ...read.headers, ...(length === undefined ? {} : { 'content-length': String(length) }) },
    };
  };
  return { store, face, send, refusals };
}

/** The same with a filesystem `lake`. */
export async function lakeBench(...options: Parameters<typeof bench>) {
  const all = bench(...options);
  const made = await all.send('PUT /acct/lake?resource=filesystem');
  t.equal(made.status, 201);
  const write = async (name: string, content: string) => {
    const path = `/acct/lake/${name}`;
    const statuses = [
      await all.send(`PUT ${path}?resource=file`),
      await all.send(`PATCH ${path}?action=append&position=0`, {}, content),
      await all.send(`PATCH ${path}?action=flush&position=${Buffer.byteLength(content)}`),
    ].map(({ status }) => status);
    t.strictSame(statuses, [201, 202, 200]);
  };
  const names = async () => {
    const listed = await all.send('GET /acct/lake?resource=filesystem&recursive=true');
    return listed.json.paths.map(({ name }: { name: string }) => name) as string[];
  };
  return { ...all, write, names };
}

/** The status and the code, which must be said in the header and in the body of either API's form. */
export function shown(t: Test, reply: ReadReply): string {
  const code = reply.headers['x-ms-error-code'];
  if (reply.text !== '') {
    const said = reply.json?.error?.code ?? /<Code>(\w+)<\/Code>/.exec(reply.text)?.[1];
    t.equal(said, code, 'the code in the body');
    t.match(reply.text, /RequestId:.*Time:/s);
    t.notMatch(reply.text, /\bat .*\.ts:\d+/, 'no stack trace');
  }
  return `${reply.status} ${code}`;
}
