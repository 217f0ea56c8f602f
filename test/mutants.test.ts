// The list of deliberate breakages fits the sources: `npm run mutants` would find out only after an hour.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { kinds, mutants } from './mutants/mutants.ts';

const root = resolve(import.meta.dirname, '..');

t.test('each mutant breaks one place, and has suites that should notice', async (t) => {
  for (const { name, file, find, replace, suites } of mutants) {
    const places = readFileSync(`${root}/${file}`, 'utf8').split(find).length - 1;
    t.equal(places, 1, `${name}: ${file} has one place like ${find}`);
    t.not(find, replace, name);
    const missing = suites.filter((suite) => !existsSync(`${root}/test/${suite}`));
    t.ok(suites.length > 0 && missing.length === 0, `${name}: no suite is missing ${missing}`);
  }
  t.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length, 'no two have one name');
});

t.test('each kind of breakage that was promised is there', async (t) => {
  for (const kind of kinds)
    t.ok(
      mutants.some(({ name }) => name === kind || name.startsWith(`${kind}: `)),
      kind,
    );
});
