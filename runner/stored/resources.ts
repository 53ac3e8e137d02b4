import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readBeginning, writeFileAtomic } from '../../base/files.js';
import { workdirFiles } from './workdir.js';

const sample = z.object({
  /** ms since 1970. */
  at: z.number(),
  /** Processors that the processes of the run kept busy since the sample before; absent where the system does not say. */
  cpu: z.number().optional(),
  /** Resident memory of these processes, in bytes; pages that they share count in each. */
  memory: z.number().optional(),
  /** Images per second of the workers that trained, by their names. */
  images: z.record(z.string(), z.number()),
});
export type ResourceSample = z.infer<typeof sample>;

const pathOf = (workdir: string): string => join(workdir, workdirFiles.resources);

/** More samples are thinned out to half of them. */
const mostSamples = 2000;
/** Ten times what so many samples take. */
const mostBytes = 2 ** 21;

const lineOf = (one: ResourceSample): string => `${JSON.stringify(one)}\n`;

function parsed(line: string): ResourceSample[] {
  try {
    return [sample.parse(JSON.parse(line))];
  } catch {
    // A kill or a full disk cut it.
    return [];
  }
}

/** The samples of a run, in the order of time; none where there is no file, and without lines that cannot be read. */
export function readResources(workdir: string): readonly ResourceSample[] {
  return (readBeginning(pathOf(workdir), mostBytes)?.toString() ?? '').split('\n').flatMap(parsed);
}

/** Appends samples to the file of a run, which keeps at most 2,000: then every second one, over the whole run. */
export class ResourceLog {
  private count: number;

  constructor(private readonly workdir: string) {
    this.count = readResources(workdir).length;
  }

  add(one: ResourceSample): void {
    appendFileSync(pathOf(this.workdir), lineOf(one));
    if (++this.count <= mostSamples) return;
    const kept = readResources(this.workdir).filter((_, i, all) => i % 2 === 1 || i === all.length - 1);
    writeFileAtomic(pathOf(this.workdir), Buffer.from(kept.map(lineOf).join('')));
    this.count = kept.length;
  }
}
