import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { InferenceSession } from 'onnxruntime-node';
import { invalidInput, messageOf } from '../../base/errors.js';
import { createSession } from '../../compiler/runtime/programs/session.js';
import type { Model } from '../models/model.js';

/**
 * Opens the very file that was read: what answers name is what computes.
 * @throws NasError `invalid-input` when it is gone or another one, or ONNX Runtime does not accept it
 */
export async function openSession({ file, sha256, name }: Model): Promise<InferenceSession> {
  const refused = (cause: unknown) =>
    invalidInput(`the model '${name}' cannot be opened: ${messageOf(cause)}`, { cause });
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw refused(cause);
  });
  if (createHash('sha256').update(bytes).digest('hex') !== sha256)
    throw invalidInput(`the model '${name}' cannot be opened: ${file} is another file than when it was looked at`, {
      hint: 'Write models under other names and rename them when they are whole; then reload.',
    });
  return createSession(bytes, { threads: 1, spinning: false }).catch((cause: unknown) => {
    throw refused(cause);
  });
}
