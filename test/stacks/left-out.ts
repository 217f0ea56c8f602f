// Cases of the contract suite that a kind of stack cannot keep, each with its reason.

/** A gap cannot be kept where bytes are appended as they come: an append beyond the end waits for those before it. */
export const noGaps = ['a flush over a gap or beyond what was staged is refused'];

/** Gen2 and Gen1 take no expiry in the past, and Gen2 answers in whole seconds; HDFS holds no expiry at all. */
export const noExpiry = ['an expired file is gone'];

/** Gen1 holds neither properties nor content headers (semantics B3). */
export const noProperties = [
  'a flush sets content headers',
  'a flush keeps the attributes of the file',
  'a commit replaces a file with its attributes',
];

/** WebHDFS joins nothing anew: our client does it in a hidden folder, and a gateway does not let clients into that. */
export const noJoiningAnew = ['a file joined anew has the rights of its first part'];

/** Gen2 has no concat at all, nor truncate. */
export const noJoining = [
  'concat joins files and removes the sources',
  ...noJoiningAnew,
  'truncate cuts a file and keeps its attributes',
];

/** What WebHDFS can do, and a file that Gen2 holds the truth of cannot. */
export const noHadoopFacts = [
  // Gen2 has no checksum of a file that nobody gave one.
  'the checksum depends on the content alone',
  // WebHDFS has no ETags; the client makes them of file id, length and time, and Gen2 has no ids and whole seconds.
  'conditions on writes',
  // Gen2 sets no times.
  'modification time can be set',
];
