// Structured logs with secrets taken out of every line, wherever in it they stand.
import { type DestinationStream, type LevelWithSilent, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Levels as pino names them; `silent` writes nothing. */
export type LogLevel = LevelWithSilent;

const redacted = '[redacted]';

// Keys whose value is a secret as a whole, in the JSON of a line.
const secretKeys =
  /("(?:authorization|proxy-authorization|cookie|x-ms-copy-source-authorization|accountKey|clientSecret|password)"\s*:\s*)"(?:[^"\\]|\\.)*"/gi;
// Secrets inside text: the signature of a SAS or of one of our own links, Hadoop delegation tokens, account keys; also
// inside a URL that is itself a parameter, hence %3D.
const secretParameters =
  /((?:\b|%[0-9a-f]{2})(?:sig|signature|delegation|token|twinlake\.link|AccountKey|SharedAccessSignature)(?:=|%3D))[^&"\\\s;]+/gi;
// Credentials quoted from a header. 16 characters: shorter than any key, longer than the words that follow in prose.
const secretSchemes = /\b(Bearer\s+|SharedKey(?:Lite)?\s+[\w-]+:)[\w.~+/=-]{16,}/g;

/** A line of log without authorization headers, SAS signatures, bearer tokens and account keys. */
export function redact(line: string): string {
  return line
    .replace(secretKeys, `$1"${redacted}"`)
    .replace(secretParameters, `$1${redacted}`)
    .replace(secretSchemes, `$1${redacted}`);
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
