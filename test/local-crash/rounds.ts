// What the writer of the crash test writes in each round; the test knows it too.

/** Some hundred kilobytes that begin with the round's number and hold it everywhere. */
export function contentOfRound(round: number): Buffer {
  const line = `round ${round}\n`;
  return Buffer.from(line.repeat(1 + ((round * 7_919) % 40_000)));
}
