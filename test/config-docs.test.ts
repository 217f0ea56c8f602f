// docs/configuration.md has every key and every variable, as the code has them. UPDATE_DOCS=1 writes the tables anew.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { envVariables } from '../src/config/env.ts';
import { allRows, referenceTables, withTables } from './config-reference.ts';

const file = resolve(import.meta.dirname, '../docs/configuration.md');

t.test('every key says what it means', async (t) => {
  for (const { key, description } of allRows) t.ok(description.length > 10, key);
});

t.test('every variable replaces a key that there is', async (t) => {
  const keys = new Set(allRows.map(({ key }) => key));
  for (const { name, key } of envVariables) {
    const path = key.join('.').replace(/^stores\.(source|target)\./, 'stores.SIDE.');
    t.ok(keys.has(path), `${name}: ${path}`);
    t.match(name, /^TWINLAKE_[A-Z_]+$/);
  }
  t.equal(new Set(envVariables.map(({ name }) => name)).size, envVariables.length, 'each once');
});

t.test('the page has the tables of the code', async (t) => {
  const page = readFileSync(file, 'utf8');
  for (const name of referenceTables.keys())
    t.ok(page.includes(`<!-- table: ${name} -->`), `a place for ${name}`);
  const fresh = withTables(page);
  if (process.env.UPDATE_DOCS === '1') writeFileSync(file, fresh);
  else t.equal(page, fresh, 'up to date; UPDATE_DOCS=1 npx tap test/config-docs.test.ts writes it');
});
