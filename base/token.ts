/** The word that whoever uses a server must know. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { invalidInput, messageOf } from './errors.js';

const leastToken = 16;

/** A new token of 256 bits, in characters that stand in addresses as they are. */
export const makeToken = (): string => randomBytes(32).toString('hex');

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether two texts are the same; takes as long for a wrong token as for the right one. */
export const isSameToken = (given: string, token: string): boolean => timingSafeEqual(digest(given), digest(token));

/** @throws NasError `invalid-input` when there is no token in the file. */
export function readToken(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw invalidInput(`the token file ${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (text.length >= leastToken) return text;
  throw invalidInput(`the token file ${file} has ${text.length} characters; at least ${leastToken} are needed`, {
    hint: 'openssl rand -hex 32 makes a good one.',
  });
}
