import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

async function hashOf(file: string, decompress: Transform | null): Promise<string | null> {
  const hash = createHash('sha256');
  const source = createReadStream(file);
  try {
    await (decompress === null ? pipeline(source, hash) : pipeline(source, decompress, hash));
    return hash.digest('hex');
  } catch {
    return null;
  }
}

/** What files hold, by SHA-256: each is read once, and again when it has changed. */
export class ContentHashes {
  private readonly known = new Map<string, { readonly trace: string; readonly hash: Promise<string | null> }>();

  /**
   * The hash of a file's content, in lower-case hexadecimal.
   * @param decompress what makes the content of the file; null: it is the content
   * @returns null when it cannot be read.
   */
  async of(file: string, decompress: (() => Transform) | null): Promise<string | null> {
    const stats = await stat(file).catch(() => null);
    if (stats?.isFile() !== true) return null;
    const trace = `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
    const known = this.known.get(file);
    if (known?.trace === trace) return known.hash;
    const hash = hashOf(file, decompress?.() ?? null);
    this.known.set(file, { trace, hash });
    return hash;
  }
}
