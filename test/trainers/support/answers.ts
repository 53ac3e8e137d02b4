import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnswerFile } from '../../../trainers/data/batches.js';
import { LogitsWriter, type LogitsShape } from '../../../trainers/data/logits-file.js';
import { temporaryFolder } from '../../support/temporary.js';

/** A file of a teacher's answers. @param logits [views, count, outputs] */
export function answersOf(logits: Float32Array, shape: Omit<LogitsShape, 'key'>): AnswerFile {
  const file = join(temporaryFolder(), 'answers.f32');
  const key = 'a'.repeat(64);
  const writer = new LogitsWriter(file, { ...shape, key });
  writer.append(logits);
  writer.finish();
  writer.close();
  return { file, key };
}

/** The bytes of the answers in a file, after its key and its checksum. */
export const answerBytes = (file: string | undefined): ArrayBuffer =>
  new Uint8Array(readFileSync(file ?? '')).buffer.slice(40);
