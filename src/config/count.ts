// A key that holds a whole number.
import { Type } from 'typebox';

/** A whole number with its default; the unit is in the name of the key. */
export const count = (value: number, minimum: number, description: string) =>
  Type.Integer({ default: value, minimum, description });
