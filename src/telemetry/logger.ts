// Structured logs with secrets taken out of every line, wherever in it they stand.
import { type DestinationStream, type LevelWithSilent, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Levels as pino names them; `silent` writes nothing. */
export type LogLevel = LevelWithSilent;

const redacted = '[redacted]';

const secretKeys = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'x-ms-copy-source-authorization',
  'accountKey',
  'clientSecret',
  'password',
];
// Signatures of SAS tokens and of our own links, Hadoop's delegation tokens, account keys.
const secretParameters = [
  'sig',
  'signature',
  'delegation',
  'token',
  'twinlake\\.link',
  'AccountKey',
  'SharedAccessSignature',
];

// A secret as a whole value in the JSON of a line.
const inKey = new RegExp(`("(?:${secretKeys.join('|')})"\\s*:\\s*)"(?:[^"\\\\]|\\\\.)*"`, 'gi');
// A secret inside text; also inside a URL that is itself a parameter, hence the escapes.
const inText = new RegExp(
  `((?:\\b|%[0-9a-f]{2})(?:${secretParameters.join('|')})(?:=|%3D))[^&"\\\\\\s;]+`,
  'gi',
);
// Credentials quoted from a header. 16 characters: shorter than any key, longer than words of prose.
const inScheme = /\b(Bearer\s+|SharedKey(?:Lite)?\s+[\w-]+:)[\w.~+/=-]{16,}/g;

/** A line of log without authorization headers, SAS signatures, bearer tokens and account keys. */
export function redact(line: string): string {
  return line
    .replace(inKey, `$1"${redacted}"`)
    .replace(inText, `$1${redacted}`)
    .replace(inScheme, `$1${redacted}`);
}

/**
 * A pino logger that writes JSON lines with ISO times and level names.
 * @param destination where lines go; default: standard output
 */
export function createLogger({
  level = 'info',
  destination = pino.destination(1),
}: {
  level?: LogLevel;
  destination?: DestinationStream;
} = {}): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: redact },
    },
    destination,
  );
}
