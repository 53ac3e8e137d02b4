import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { cacheDirectory, writeFileAtomic } from '../../../base/files.js';
import { jsonIn } from '../../../base/text.js';
import type { StoredFile } from '../reading/files.js';
import type { SurveyedMask } from './meaning.js';

const size = z.number().int().min(0);
const lineSchema = z.strictObject({
  path: z.string(),
  stamp: z.string(),
  width: size,
  height: size,
  channels: z.literal([1, 3]),
  lossy: z.boolean(),
  palette: z.array(size).optional(),
  /** Value → its pixels. */
  counts: z.array(z.tuple([size, size])),
});

/** Masks with more values, which are photographs or compressed with losses, are counted again. */
const mostValues = 1024;

const keyOf = ({ path, stamp }: StoredFile): string => `${stamp} ${path}`;

/**
 * The counts of masks that were read before: a start reads only masks that are new or have changed, which path and stamp tell. Masks
 * that cannot be read are not kept.
 */
export class KnownSurveys {
  private readonly file: string;
  private readonly before = new Map<string, SurveyedMask>();
  private readonly lines: string[] = [];
  private hasNew = false;

  /** @param path of the folder or archive @param cache folder of all caches */
  constructor(path: string, cache = cacheDirectory()) {
    const name = createHash('sha256').update(resolve(path)).digest('hex').slice(0, 16);
    this.file = join(cache, 'data', `masks-${name}.jsonl`);
    for (const line of linesOf(this.file)) {
      const found = lineSchema.safeParse(jsonIn(line)).data;
      if (found === undefined) continue;
      const { path: own, stamp, counts, palette, ...survey } = found;
      this.before.set(keyOf({ path: own, stamp }), { ...survey, ...(palette && { palette }), counts: new Map(counts) });
    }
  }

  find(mask: StoredFile): SurveyedMask | undefined {
    const survey = this.before.get(keyOf(mask));
    if (survey !== undefined) this.add(mask, survey, false);
    return survey;
  }

  /** Keeps the counts of a mask. */
  add({ path, stamp }: StoredFile, { counts, ...survey }: SurveyedMask, isNew = true): void {
    if (counts.size > mostValues) return;
    this.hasNew ||= isNew;
    this.lines.push(`${JSON.stringify({ path, stamp, ...survey, counts: [...counts] })}\n`);
  }

  /** Writes the counts of the masks of this start, unless all were known. A cache that cannot be written costs time alone. */
  write(): void {
    if (!this.hasNew) return;
    try {
      writeFileAtomic(this.file, this.lines.join(''));
    } catch {
      // The next start counts again.
    }
  }
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    // There is none, or it is another user's.
    return [];
  }
}
