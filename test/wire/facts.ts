// Tests that name a fact of docs/wire: the fact's own words are the name of the test, and what is asked are bytes on a socket.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t, { type Test } from 'tap';
import type { Face } from '../../src/wire/http.ts';
import { type RawAnswer, sendRaw } from '../end-to-end/raw-http.ts';
import { serveFace } from '../face-server.ts';

/** A fact: its number, and its text with line breaks taken out. */
export interface Fact {
  number: string;
  text: string;
}

/** Where the pages are. */
export const pagesDir = resolve(import.meta.dirname, '../../docs/wire');

/** The facts of a page, in its order. */
export function readFacts(page: string): Fact[] {
  return readFileSync(resolve(pagesDir, page), 'utf8')
    .split(/\n\n+/)
    .map((paragraph) => /^\*\*([A-Z]\d+)\.\*\* (.+)$/s.exec(paragraph.trim()))
    .filter((match) => match !== null)
    .map(([, number, text]) => ({ number: number!, text: text!.replaceAll('\n', ' ') }));
}

/** An answer whose JSON has been read. */
export interface WireAnswer extends RawAnswer {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  json: any;
}

/** Sends `METHOD /target` as it stands, over a connection of its own. */
export type Send = (
  line: string,
  headers?: Record<string, string>,
  body?: string | Buffer,
) => Promise<WireAnswer>;

/** A word for tests of one page: `fact('G1', …)` gets a face of its own, over a socket. */
export function factsOf(
  page: string,
  makeFace: () => Face,
): (number: string, check: (t: Test, send: Send) => Promise<void>) => void {
  const facts = new Map(readFacts(page).map(({ number, text }) => [number, text]));
  return (number, check) => {
    const text = facts.get(number);
    if (text === undefined) throw new Error(`${page} has no fact ${number}`);
    t.test(`${number}: ${text}`, async (t) => {
      const server = await serveFace(makeFace());
      t.teardown(() => server.close());
      await check(t, async (line, headers = {}, body) => {
        const hasNone = 'transfer-encoding' in headers || (body === undefined && /^(GET|HEAD) /.test(line));
        const length = hasNone ? {} : { 'content-length': lengthOf(body) };
        const words = { line, headers: { ...length, ...headers }, ...(body === undefined ? {} : { body }) };
        const answer = await sendRaw(server.url, words);
        if (!answer) throw new Error(`no answer to ${line}`);
        return { ...answer, json: readJson(answer.body) };
      });
    });
  };
}

function lengthOf(body: string | Buffer | undefined): string {
  return String(body === undefined ? 0 : Buffer.byteLength(body));
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
