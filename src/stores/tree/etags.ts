// ETags as Gen2 prints them: `0x8D...`, upper-case hex of 100 ns ticks since the year 1.

/** Milliseconds from 0001-01-01 to 1970-01-01. */
const epochOffsetMs = 62_135_596_800_000;
const ticksPerMs = 10_000n;

/** The ETag of an instant; the same instant gives the same ETag. */
export function etagOfTicks(ticks: bigint): string {
  return `0x${ticks.toString(16).toUpperCase()}`;
}

/** Ticks of a time in nanoseconds since 1970. */
export function ticksOfNs(ns: bigint): bigint {
  return BigInt(epochOffsetMs) * ticksPerMs + ns / 100n;
}

/** A mint of ETags: each one is new, and newer than the ones before. */
export function createEtagMint(now: () => number): () => string {
  let last = 0n;
  return () => {
    const ticks = BigInt(Math.trunc(now()) + epochOffsetMs) * ticksPerMs;
    last = ticks > last ? ticks : last + 1n;
    return etagOfTicks(last);
  };
}
