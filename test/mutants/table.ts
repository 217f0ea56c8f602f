// What `npm run mutants` found, as a page of the documentation.
import type { Mutant } from './mutant.ts';

/** A mutant, and the suite that noticed it; undefined if none did. */
export interface Caught {
  mutant: Mutant;
  suite: string | undefined;
}

const head = `# Deliberate breakages

Each breaks the promise that nothing acknowledged is lost in one place of the sources; a suite has to notice. Written by
\`npm run mutants -- --write\``;

/** The page. */
export function tableOf(caught: readonly Caught[], on: Date): string {
  const rows = caught.map(
    ({ mutant, suite }) =>
      `| ${mutant.name} | \`${mutant.file}\` | ${suite ? `\`${suite}\`` : '**nothing**'} |`,
  );
  return `${head} on ${on.toISOString().slice(0, 10)}.

| breakage | where | noticed by (\`test/\`) |
| --- | --- | --- |
${rows.join('\n')}
`;
}
