import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { invalidInput, messageOf } from '../../base/errors.js';
import type { ConvertOptions } from './cache.js';
import { noGroup } from './split-images.js';
import { DamagedImage, imageHeader } from './decode.js';
import type { Item } from './reading/listing.js';
import type { DamagedFile, LoadedFile, StoredFile } from './reading/files.js';
import { damageText } from './report.js';
import { decodedBytes, type FileSource, type ImageBlock, type PixelSource } from './sources/source.js';
import type { Decoded, Work, WorkEntry } from './work.js';

/** Images in a block; bounds the memory. */
const blockSize = 256;
/** The headers of about this many images are read for the report. */
const sampledHeaders = 2000;

/** Decoded image files. */
export interface DecodedFiles {
  readonly source: PixelSource;
  /** The files of the images, in the order of the source. */
  readonly items: readonly Item[];
  readonly damaged: readonly DamagedFile[];
  /** The headers of a sample of the images; undefined for the others. */
  readonly headers: readonly WorkEntry['header'][];
  /** SHA-256 of the file of each image. */
  readonly contents: readonly string[];
}

/**
 * Decodes the files that `work` does not hold yet. All damaged files are found before any is refused.
 * @throws NasError `invalid-input` when some are damaged and the source refuses them
 */
export async function decodeFiles(source: FileSource, work: Work, options: ConvertOptions): Promise<DecodedFiles> {
  const { items } = source.listing;
  const found = await decodeMissing(source, work, options);
  const damaged: DamagedFile[] = [...(source.listing.damaged ?? [])];
  const kept: { item: Item; row: number; header: WorkEntry['header']; content: string }[] = [];
  for (const item of items) {
    const decoded = found(item);
    if (decoded.row === null) {
      damaged.push({ path: item.file.path, ...decoded.damage });
      continue;
    }
    kept.push({ item, ...decoded });
  }
  refuseDamaged(source, damaged, work.directory);
  const { name, classes, height, width, channels, fingerprint, task } = source;
  const [bytes, decoded] = [height * width * channels, decodedBytes(source)];
  return {
    source: {
      kind: 'pixels',
      ...{ name, classes, height, width, channels, fingerprint },
      ...(task !== undefined && { task }),
      count: kept.length,
      *read(signal): Generator<ImageBlock> {
        for (let start = 0, end = 0; start < kept.length; start = end) {
          signal?.throwIfAborted();
          const { split } = kept[start].item;
          while (end < kept.length && end < start + blockSize && kept[end].item.split === split) end++;
          const rows = kept.slice(start, end);
          const pixels = new Uint8Array(rows.length * bytes);
          const masks = new Uint8Array(rows.length * (decoded - bytes));
          const image = new Uint8Array(decoded);
          rows.forEach(({ row }, i) => {
            work.read(row, image);
            pixels.set(image.subarray(0, bytes), i * bytes);
            masks.set(image.subarray(bytes), i * (decoded - bytes));
          });
          const labels = rows.map(({ item }) => item.label);
          const groups = rows.map(({ item }) => item.group ?? noGroup);
          const targets = task === undefined ? undefined : rows.flatMap(({ item }) => item.targets ?? []);
          const boxed = rows.flatMap(({ item }) => item.boxed ?? []);
          yield {
            pixels,
            labels,
            split,
            groups,
            ...(targets !== undefined && { targets }),
            ...(boxed.length > 0 && { boxed }),
            ...(masks.length > 0 && { masks }),
          };
        }
      },
    },
    items: kept.map(({ item }) => item),
    damaged,
    headers: kept.map(({ header }) => header),
    contents: kept.map(({ content }) => content),
  };
}

/**
 * Refuses damaged images unless the source leaves them out.
 * @param directory for a file that lists all of them
 */
export function refuseDamaged(
  { tree, count, damaged: policy }: FileSource,
  damaged: readonly DamagedFile[],
  directory: string,
): void {
  if (damaged.length === 0 || policy === 'skip') return;
  const file = join(directory, 'damaged.json');
  writeFileSync(file, `${JSON.stringify(damaged, null, 2)}\n`);
  throw invalidInput(`${tree.path}: ${damageText(damaged, count)}\nAll of them: ${file}`, {
    hint: 'Replace or remove these files and run the command again, which decodes only what is new; or leave them out with data.damaged: skip.',
  });
}

/** An image file and its pixels; null when it is damaged. */
type Outcome = { readonly entry: WorkEntry; readonly pixels: Uint8Array | null };

/** An image file to decode. */
interface Request {
  readonly file: StoredFile;
  /** Whether its header is read, too. */
  readonly sampled: boolean;
}

/**
 * Decodes image files, several at once, and yields them in the order in which the folder or archive is read.
 * @param decoded pixels of equal content that were decoded before; default: none
 */
export async function* decodeEach(
  { tree, decode }: FileSource,
  requests: readonly Request[],
  signal?: AbortSignal,
  decoded: (content: string) => Uint8Array | null = () => null,
): AsyncGenerator<Outcome> {
  const decodeOne = async ({ index, load }: LoadedFile): Promise<Outcome> => {
    const { file, sampled } = requests[index];
    try {
      const bytes = await loaded(load);
      const content = createHash('sha256').update(bytes).digest('hex');
      const pixels = decoded(content) ?? (await decode(bytes, file));
      const header = sampled ? await imageHeader(bytes) : undefined;
      return { entry: { ...file, content, ...(header !== undefined && { header }) }, pixels };
    } catch (error) {
      if (!(error instanceof DamagedImage)) throw error;
      return { entry: { ...file, damage: { cause: error.reason, message: error.message } }, pixels: null };
    }
  };
  const files = requests.map(({ file }) => file);
  yield* mapInOrder(tree.read(files, signal), decodeOne, 2 * availableParallelism());
}

/** Decodes the images that `work` does not hold; returns a lookup of every image's row or damage. */
async function decodeMissing(
  source: FileSource,
  work: Work,
  options: ConvertOptions,
): Promise<(item: Item) => Decoded> {
  const { items } = source.listing;
  const { signal } = options;
  const step = Math.ceil(items.length / sampledHeaders);
  const missing = items.flatMap(({ file }, i) =>
    work.find(file) === undefined ? [{ file, sampled: i % step === 0 }] : [],
  );
  // A failure of the system may pass: it is reported, but not remembered for the next conversion.
  const passing = new Map<string, Decoded>();
  let done = items.length - missing.length;
  options.onProgress?.(done, items.length);
  try {
    // Equal images may have different masks.
    const known = source.task === 'segmentation' ? undefined : (content: string) => work.decoded(content);
    for await (const { entry, pixels } of decodeEach(source, missing, signal, known)) {
      const { damage } = entry;
      if (damage?.cause === 'closed' || damage?.cause === 'missing') passing.set(entry.path, { row: null, damage });
      else await work.add(entry, pixels);
      done++;
      if (done % 64 === 0 || done === items.length) options.onProgress?.(done, items.length);
      signal?.throwIfAborted();
    }
  } finally {
    await work.flush();
  }
  return ({ file }) => {
    const decoded = work.find(file) ?? passing.get(file.path);
    if (decoded === undefined)
      throw invalidInput(`${file.path} was listed, but not read`, {
        hint: 'Run the command again when nothing changes the folder or archive.',
      });
    return decoded;
  };
}

async function loaded(load: LoadedFile['load']): Promise<Buffer> {
  try {
    return await load();
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new DamagedImage(isMissing ? 'missing' : 'closed', messageOf(cause), { cause });
  }
}

/** The results of a task in the order of the inputs, with at most `width` tasks at once. */
export async function* mapInOrder<A, B>(
  inputs: AsyncIterable<A> | Iterable<A>,
  task: (input: A) => Promise<B>,
  width: number,
): AsyncGenerator<B> {
  let running: Promise<B>[] = [];
  try {
    for await (const input of inputs) {
      const next = task(input);
      // Awaited below; until then a failure is not unhandled.
      next.catch(() => undefined);
      running.push(next);
      if (running.length < width) continue;
      const [first, ...others] = running;
      running = others;
      yield await first;
    }
    for (const last of running) yield await last;
  } finally {
    await Promise.allSettled(running);
  }
}
