import {
  appendFileSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
} from 'node:fs';
import { fsync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { readFully, writeFully } from '../../base/files.js';
import { jsonIn } from '../../base/text.js';
import { damageCauses, type DamageCause, type ImageHeader } from './decode.js';
import type { StoredFile } from './reading/files.js';

const causes = Object.keys(damageCauses) as [DamageCause, ...DamageCause[]];
const entrySchema = z.strictObject({
  path: z.string(),
  stamp: z.string(),
  /** SHA-256 of the file; absent for damaged images. */
  content: z.string().optional(),
  /** Absent for decoded images, whose pixels are in the order of these lines. */
  damage: z.strictObject({ cause: z.enum(causes), message: z.string() }).optional(),
  header: z.strictObject({ format: z.string(), width: z.number(), height: z.number(), colours: z.string() }).optional(),
});
export type WorkEntry = Readonly<z.output<typeof entrySchema>>;

/** A decoded image and its row in the file of pixels, or why it could not be decoded. */
export type Decoded =
  | { readonly row: number; readonly header: ImageHeader | undefined; readonly content: string }
  | { readonly row: null; readonly damage: NonNullable<WorkEntry['damage']> };

const fileNames = { journal: 'journal.jsonl', images: 'images.u8' } as const;

/**
 * Begins the work of a conversion with the images of an earlier one, which need not be decoded again.
 * @param journal file with a `WorkEntry` for each image, one a line, in the order of `images`
 * @param images file of pixels
 */
export function beginWork(directory: string, journal: string, images: string): void {
  mkdirSync(directory, { recursive: true });
  copyFileSync(images, join(directory, fileNames.images), constants.COPYFILE_FICLONE);
  // A killed process leaves no journal, or a whole one.
  const temporary = join(directory, `${fileNames.journal}.tmp`);
  copyFileSync(journal, temporary);
  renameSync(temporary, join(directory, fileNames.journal));
}

/** A killed process loses at most the images of this time. */
const flushSeconds = 2;
const syncFile = promisify(fsync);

/**
 * The images that a conversion has decoded so far, in a folder: a conversion that was killed or refused goes on with them.
 * Files are known by path and stamp, so that it also goes on after some were replaced or removed.
 */
export class Work {
  private readonly known = new Map<string, Decoded>();
  private readonly rowOf = new Map<string, number>();
  private readonly pixels: number;
  private readonly journal: string;
  private rows = 0;
  private pending: string[] = [];
  private flushed = performance.now();

  /** @param bytes of the pixels of one image */
  constructor(
    readonly directory: string,
    private readonly bytes: number,
  ) {
    mkdirSync(directory, { recursive: true });
    this.journal = join(directory, fileNames.journal);
    const images = join(directory, fileNames.images);
    this.readJournal();
    this.pixels = openSync(images, existsSync(images) ? 'r+' : 'w+');
    ftruncateSync(this.pixels, this.rows * bytes);
  }

  /** Reads the whole lines; what a killed process wrote after them is cut off. */
  private readJournal(): void {
    if (!existsSync(this.journal)) return;
    const text = readFileSync(this.journal);
    let end = 0;
    for (let next = text.indexOf(10); next >= 0; next = text.indexOf(10, end)) {
      const line = text.toString('utf8', end, next);
      const entry = entrySchema.safeParse(jsonIn(line));
      if (!entry.success) break;
      this.remember(entry.data);
      end = next + 1;
    }
    truncateSync(this.journal, end);
  }

  private remember({ path, stamp, damage, header, content = '' }: WorkEntry): void {
    const decoded = damage === undefined ? { row: this.rows++, header, content } : { row: null, damage };
    if (decoded.row !== null) this.rowOf.set(content, decoded.row);
    this.known.set(`${stamp} ${path}`, decoded);
  }

  find({ path, stamp }: StoredFile): Decoded | undefined {
    return this.known.get(`${stamp} ${path}`);
  }

  /** The pixels of a file with this content, decoded before; null: there is none. */
  decoded(content: string): Uint8Array | null {
    const row = this.rowOf.get(content);
    if (row === undefined) return null;
    const pixels = new Uint8Array(this.bytes);
    this.read(row, pixels);
    return pixels;
  }

  /** Stores the pixels of an image, or its damage. */
  async add(entry: WorkEntry, pixels: Uint8Array | null): Promise<void> {
    if (pixels !== null) writeFully(this.pixels, pixels, this.rows * this.bytes);
    this.remember(entry);
    this.pending.push(`${JSON.stringify(entry)}\n`);
    if (performance.now() - this.flushed > 1000 * flushSeconds) await this.flush();
  }

  /** Makes everything so far survive the process and the machine. */
  async flush(): Promise<void> {
    this.flushed = performance.now();
    if (this.pending.length === 0) return;
    const lines = this.pending;
    this.pending = [];
    // Only pixels that are on the disk count as done.
    await syncFile(this.pixels);
    appendFileSync(this.journal, lines.join(''));
  }

  /** Copies the pixels of a row. */
  read(row: number, into: Uint8Array): void {
    readFully(this.pixels, into, row * this.bytes);
  }

  close(): void {
    closeSync(this.pixels);
  }
}
