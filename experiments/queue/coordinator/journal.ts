import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../../base/files.js';
import type { Artifacts } from '../artifacts/artifacts.js';
import { fileSchema, type FileIn } from '../artifacts/artifact.js';
import { fileIn } from './placing.js';

const journalSchema = z.array(fileSchema);

/**
 * Which files of a folder that many jobs share (the cache of teachers) belong to a job: those that it told of when it ran.
 * A job of the same content goes on from them, in any run.
 */
export class Journal {
  /** @param directory of the journals, one small file a job */
  constructor(private readonly directory: string) {}

  /** The files of a job, put for others; none when one of them in `folder` is not as the job left it. */
  async read(job: string, folder: string, artifacts: Artifacts): Promise<FileIn[]> {
    const files = this.stored(job);
    for (const { path, sha256 } of files) {
      const file = fileIn(folder, path);
      if (!existsSync(file) || (await artifacts.put(file)).sha256 !== sha256) return [];
    }
    return files;
  }

  write(job: string, files: readonly FileIn[]): void {
    writeFileAtomic(this.file(job), JSON.stringify(files));
  }

  private stored(job: string): FileIn[] {
    const file = this.file(job);
    if (!existsSync(file)) return [];
    try {
      return journalSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch {
      // What is damaged is as good as none: the job is done again.
      return [];
    }
  }

  private file(job: string): string {
    return join(this.directory, `${job}.json`);
  }
}
