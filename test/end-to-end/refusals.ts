// What every refusal has to be: the protocol's own error, with nothing of the inside in it.
import type { Test } from 'tap';
import type { RawAnswer } from './raw-http.ts';

/** Signs of an error that nobody has thought of. */
const inside = /\n\s+at |node:internal|node_modules|\.ts:\d|SQLITE|ECONN|undefined|\[object/;

/** What a case expects; `codes` are exceptions of WebHDFS, codes of Gen2. */
export interface Refusal {
  status: number | readonly number[];
  code?: string | RegExp;
}

function codeOf(answer: RawAnswer): string | undefined {
  const header = answer.headers['x-ms-error-code'];
  if (answer.headers['content-type']?.includes('xml')) return /<Code>(\w+)<\/Code>/.exec(answer.body)?.[1];
  if (!answer.headers['content-type']?.includes('json')) return header;
  try {
    const json = JSON.parse(answer.body);
    return json.RemoteException?.exception ?? json.error?.code;
  } catch {
    return undefined;
  }
}

/** The answer is a refusal in the shape of its protocol. */
export function isRefusal(t: Test, name: string, answer: RawAnswer | undefined, expected: Refusal): void {
  if (!answer) {
    t.fail(`${name}: there was no answer`);
    return;
  }
  const { status, body } = answer;
  const code = codeOf(answer);
  const wanted = typeof expected.status === 'number' ? [expected.status] : expected.status;
  const rightStatus = wanted.includes(status);
  const rightCode =
    expected.code === undefined ||
    (typeof expected.code === 'string' ? code === expected.code : expected.code.test(code ?? ''));
  t.ok(rightStatus && rightCode, `${name}: ${status} ${code}`, {
    expected,
    status,
    body: body.slice(0, 500),
  });
  t.notMatch(body, inside, `${name}: the message is the protocol's`);
}
