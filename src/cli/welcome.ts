// What `npm start` prints when everything listens.

/** Addresses of what was started. */
export interface Started {
  dataUrl: string;
  adminUrl: string;
  webhdfsUrl: string;
  dfsUrl: string;
  /** The config directory. */
  dir: string;
}

/** Commands that work as they stand. */
export function welcome({ dataUrl, adminUrl, webhdfsUrl, dfsUrl, dir }: Started): string {
  const file = `${dataUrl}/webhdfs/v1/lake/hello.txt`;
  return `
Twinlake is running.

  gateway    ${dataUrl}     metrics and health  ${adminUrl}
  source     ${webhdfsUrl}     (WebHDFS emulator)
  target     ${dfsUrl}    (Gen2 emulator, account devstoreaccount1)

Write a file through the gateway; it goes to both stores:
  curl -L -T README.md '${file}?op=CREATE&overwrite=true'
Read it from the source, and through the gateway as a Gen2 client would:
  curl -L '${webhdfsUrl}/webhdfs/v1/lake/hello.txt?op=OPEN'
  curl -i '${dataUrl}/devstoreaccount1/lake/hello.txt'
Cut over: in ${dir}/routes.yaml change "reads: source" to "reads: target", save, and read again:
  curl -i '${dataUrl}/devstoreaccount1/lake/hello.txt'      (x-twinlake-served-by: target)
Watch:
  curl ${adminUrl}/v1/apps
  curl ${adminUrl}/v1/divergences
  curl ${adminUrl}/metrics

Ctrl-C stops everything; files stay.
`;
}
