import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { NasError, invalidInput, messageOf } from '../../../base/errors.js';
import { collectEntries, expandsTooMuch } from './archive.js';
import type { FileTree, LoadedFile } from './files.js';

const fileTypes = new Set(['File', 'OldFile', 'ContiguousFile']);
const isZipped = (path: string): boolean => !path.toLowerCase().endsWith('.tar');

/** Lists a TAR archive, plain or with gzip. It has no directory: listing reads the whole archive, and so does reading. */
export async function openTar(path: string): Promise<FileTree> {
  const archive = collectEntries(path);
  const { stamp } = archive;
  for await (const { path: name, type, size, mtime } of entriesOf(path, () => false)) {
    if (type === 'Directory') archive.addFolder(name);
    else if (!fileTypes.has(type)) archive.skip(name, 'link');
    else archive.addFile(name, size, `${size}:${mtime?.getTime() ?? 0}:${stamp}`);
  }
  return {
    ...archive.tree(),
    async *read(files, signal): AsyncGenerator<LoadedFile> {
      const wanted = new Map(files.map(({ path: name }, index) => [name, index]));
      // The first of several entries of a name counts.
      const take = (name: string): boolean => wanted.has(name);
      for await (const { path: name, content } of entriesOf(path, take, signal)) {
        const index = wanted.get(name);
        if (index === undefined) continue;
        wanted.delete(name);
        yield { index, load: () => Promise.resolve(content) };
        if (wanted.size === 0) return;
      }
    },
  };
}

type TarEntry = Pick<ReadEntry, 'path' | 'type' | 'size' | 'mtime'> & { readonly content: Buffer };

/** The entries in the order of the archive, with the contents that `take` wants. */
async function* entriesOf(
  path: string,
  take: (name: string) => boolean,
  signal?: AbortSignal,
): AsyncGenerator<TarEntry> {
  const ready: TarEntry[] = [];
  const parser = new Parser({
    strict: true,
    onReadEntry(entry) {
      const name = entry.path.replace(/^(\.\/)+/, '');
      const { type, size, mtime } = entry;
      const chunks: Buffer[] = [];
      if (take(name)) entry.on('data', (chunk) => chunks.push(chunk));
      else entry.resume();
      entry.on('end', () => ready.push({ path: name, type, size, mtime, content: Buffer.concat(chunks) }));
    },
  });
  const failures: Error[] = [];
  parser.on('error', (error: Error) => failures.push(error));
  let [packed, unpacked] = [0, 0];
  const file = createReadStream(path, { highWaterMark: 2 ** 18 });
  file.on('data', (chunk) => (packed += chunk.length));
  const stream = isZipped(path) ? file.pipe(createGunzip({ chunkSize: 2 ** 18 })) : file;
  file.on('error', (error) => stream.destroy(error));
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      unpacked += chunk.length;
      if (expandsTooMuch(packed, unpacked)) throw new Error('it expands more than a thousandfold');
      parser.write(chunk);
      if (failures.length > 0) throw failures[0];
      yield* ready.splice(0);
    }
    parser.end();
    if (failures.length > 0) throw failures[0];
    yield* ready.splice(0);
  } catch (cause) {
    if (signal?.aborted === true || cause instanceof NasError) throw cause;
    throw invalidInput(`the archive ${path} cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'Download or pack it again, or unpack it and name the folder.',
    });
  } finally {
    file.destroy();
  }
}
