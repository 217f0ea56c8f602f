// Runs a config through its loader and keeps what it complains of.
import { ConfigError } from '../src/config/config-error.ts';

/** What a text is refused with, one problem a line; '' if it is accepted. */
export function refusal(load: () => unknown): string {
  try {
    load();
    return '';
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}
