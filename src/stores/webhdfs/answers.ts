// Reading what a store answers: JSON with a limit, errors as StoreError.

import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { StoreError } from '../../core/store-error.ts';
import { fromRemoteException } from '../../wire/webhdfs/errors.ts';
import type { Answer } from './transport.ts';
import { fromTransportError } from './transport-errors.ts';

/** Largest JSON answer: a LISTSTATUS of some million entries in one piece, as servers without LISTSTATUS_BATCH send it. */
const maxJsonBytes = 402_653_184;
/** Largest error answer that is looked at. */
const maxErrorBytes = 1_048_576;

/**
 * The parsed body of a success; undefined if it is empty.
 * @throws StoreError what the store said, `internal` if it makes no sense
 */
export async function readJson(answer: Answer, signal: AbortSignal, mutating: boolean): Promise<unknown> {
  if (answer.status >= 300) throw await errorOf(answer, signal, mutating);
  const text = (await readBytes(answer.body, maxJsonBytes, signal, mutating)).toString('utf8');
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const applied = mutating ? 'unknown' : 'no';
    throw new StoreError('internal', 'the store answered something that is not JSON', {
      applied,
      cause: error,
    });
  }
}

/** The error that an answer with a status of 300 or more stands for. */
export async function errorOf(answer: Answer, signal: AbortSignal, mutating: boolean): Promise<StoreError> {
  const { status, headers, body } = answer;
  const bytes = await readBytes(body, maxErrorBytes, signal, mutating);
  const failure = fromRemoteException(status, parsed(bytes));
  const seconds = Number(headers['retry-after']);
  // A NameNode puts a whole stack trace behind the first line.
  const message = failure.message.split('\n')[0]!;
  return new StoreError(failure.kind, message, {
    temporary: failure.temporary,
    applied: mutating ? failure.applied : 'no',
    ...(failure.code === undefined ? {} : { code: failure.code }),
    ...(seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}),
    cause: failure,
  });
}

/** Bytes on their way. */
export interface Opened {
  stream: Readable;
  /** As the answer's head has it; some services do not say. */
  lengthBytes: number | undefined;
}

/** A file's bytes as they come. */
export function openedBy({ headers, body }: Answer): Opened {
  const length = headers['content-length'];
  return { stream: body, lengthBytes: length === undefined ? undefined : Number(length) };
}

/** Takes the rest of an answer off its connection, so that the connection can be used again. */
export async function drain(body: Readable): Promise<void> {
  body.resume();
  await finished(body);
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    // An HTML page of a proxy or of Jetty: the status has to do.
    return undefined;
  }
}

async function readBytes(
  body: Readable,
  limitBytes: number,
  signal: AbortSignal,
  mutating: boolean,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  try {
    for await (const chunk of body) {
      total += (chunk as Buffer).length;
      if (total > limitBytes)
        throw new StoreError('too-large', `the store's answer is over the limit of ${limitBytes} bytes`);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw fromTransportError(error, signal, mutating);
  }
  return Buffer.concat(chunks);
}
