// Twinlake runs TypeScript as it is and keeps its journal in node:sqlite: both need this Node.

/** Oldest Node that runs Twinlake: node:sqlite is a release candidate since 24.15. */
export const oldestNode = [24, 15] as const;

/** Ends the process with a clear message on an older Node. */
export function checkNodeVersion(version: string = process.versions.node): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  const wanted = oldestNode.join('.');
  process.stderr.write(
    `Twinlake needs Node ${wanted} or newer; this is ${version}. ` +
      'npm installs the right one into the project: use `npm start`, `npm run ...` or `npx twinlake ...`.\n',
  );
  process.exit(1);
}
