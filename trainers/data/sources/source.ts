import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { gunzipSync } from 'node:zlib';
import { invalidInput, messageOf } from '../../../base/errors.js';
import type { ConvertedTask } from '../../../base/task.js';
import type { BoxedFile, Listing } from '../reading/listing.js';
import type { FileTree, StoredFile } from '../reading/files.js';
import type { SplitName } from '../splits.js';

/** A block of decoded images of equal size: uint8, NHWC. */
export interface ImageBlock {
  /** [count, height, width, channels]. */
  readonly pixels: Uint8Array;
  /** [count], index of the class; 0 for other tasks. */
  readonly labels: ArrayLike<number>;
  /** [count, outputs]; absent for classification. */
  readonly targets?: ArrayLike<number>;
  /** The split that the source assigns; `null`: none. */
  readonly split: SplitName | null;
  /** [count], the group of each image, or `noGroup`; absent: none has one. */
  readonly groups?: ArrayLike<number>;
  /** [count]; only for detection and segmentation. */
  readonly boxed?: readonly BoxedFile[];
  /** [count, height, width]; only for segmentation. */
  readonly masks?: Uint8Array;
}

/** Properties of labelled images, known before they are read. */
export interface SourceInfo {
  readonly name: string;
  /** Absent: classification. */
  readonly task?: ConvertedTask;
  /** Names of the outputs: classes, labels or numbers. */
  readonly classes: readonly string[];
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Number of images, damaged ones included. */
  readonly count: number;
  /** Changes whenever the images may have changed; the key of the cache. */
  readonly fingerprint: string;
}

/** A source that yields pixels. */
export interface PixelSource extends SourceInfo {
  readonly kind: 'pixels';
  /** All images in an order that depends only on the content. @throws NasError `invalid-input` for bad files */
  read(signal?: AbortSignal): Iterable<ImageBlock> | AsyncIterable<ImageBlock>;
}

/** A source of image files, which are decoded one by one; `decodeFiles` makes it a `PixelSource`. */
export interface FileSource extends SourceInfo {
  readonly kind: 'files';
  readonly tree: FileTree;
  readonly listing: Listing;
  /** What happens when some of the images are damaged. */
  readonly damaged: 'refuse' | 'skip';
  /** The pixels of an image; for segmentation, its mask after them. */
  readonly decode: (bytes: Buffer, file: StoredFile) => Promise<Uint8Array>;
  /** Of the path and the decoding: conversions of the same origin share their finished work. */
  readonly origin: string;
}

/** Bytes that `decode` makes of an image. */
export const decodedBytes = ({ task, height, width, channels }: SourceInfo): number =>
  height * width * (channels + Number(task === 'segmentation'));

/** A source of labelled images. Opening checks what is cheap to check; reading checks the rest. */
export type DataSource = PixelSource | FileSource;

/** Checks that `path` is a folder. @param purpose what it should contain */
export function requireFolder(path: string, purpose: string): void {
  if (!existsSync(path)) {
    throw invalidInput(`the data folder ${path} does not exist`, {
      hint: `data.path names the folder with ${purpose}.`,
    });
  }
  if (!statSync(path).isDirectory()) {
    throw invalidInput(`${path} is not a folder`, { hint: `data.path names the folder with ${purpose}.` });
  }
}

/** The path of a file in a folder, plain or with `.gz`. */
export function requireFile(folder: string, name: string, purpose: string): string {
  const found = [name, `${name}.gz`].map((file) => join(folder, file)).find((file) => existsSync(file));
  if (found === undefined) {
    throw invalidInput(`${name} is missing in ${folder}`, { hint: `data.path names the folder with ${purpose}.` });
  }
  return found;
}

/** The bytes of a file, decompressed if its name ends in `.gz`. */
export function readPlainOrGzip(file: string): Buffer {
  const bytes = readFileSync(file);
  if (!file.endsWith('.gz')) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw invalidInput(`${file} is not a whole gzip file: ${messageOf(cause)}`, {
      cause,
      hint: 'Download the file again.',
    });
  }
}

/** SHA-256 of the names and contents of files. */
export async function hashFiles(files: readonly string[]): Promise<string> {
  const total = createHash('sha256');
  for (const file of files) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    total.update(`${basename(file)}:${hash.digest('hex')};`);
  }
  return total.digest('hex');
}
