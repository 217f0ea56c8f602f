// docs/wire has no fact without a test, and test/wire no test without a fact: each number stands in both, once.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { pagesDir, readFacts } from './wire/facts.ts';

const testsDir = resolve(import.meta.dirname, 'wire');
const numbersIn = (file: string): string[] =>
  [...readFileSync(join(testsDir, file), 'utf8').matchAll(/^fact\('([A-Z]\d+)',/gm)].map(
    ([, number]) => number!,
  );

const pages = readdirSync(pagesDir).filter((page) => page !== 'README.md');
const facts = pages.flatMap(readFacts);
const tested = readdirSync(testsDir).flatMap(numbersIn);

t.test('every fact has its test, every test its fact', async (t) => {
  t.ok(facts.length > 100, 'the pages are read');
  for (const { number } of facts)
    t.equal(tested.filter((one) => one === number).length, 1, `${number} has one test in test/wire`);
  for (const number of tested)
    t.equal(facts.filter((one) => one.number === number).length, 1, `${number} has one fact in docs/wire`);
});

t.test('a page is nothing but headings, an introduction and facts', async (t) => {
  for (const page of pages) {
    const paragraphs = readFileSync(join(pagesDir, page), 'utf8').trim().split(/\n\n+/);
    const others = paragraphs.filter((text) => !/^(#|\*\*[A-Z]\d+\.\*\* )/.test(text));
    t.equal(others.length, 1, `${page}: one paragraph says where its facts come from`);
    t.notMatch(
      paragraphs.slice(2).join('\n'),
      /^\*\*(?![A-Z]\d+\.\*\* )/m,
      `${page}: numbers are well-formed`,
    );
  }
  const index = readFileSync(join(pagesDir, 'README.md'), 'utf8');
  for (const page of pages) t.match(index, `](${page})`, `the index names ${page}`);
});
