import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import zlib from 'node:zlib';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { collectEntries, expandsTooMuch } from './archive.js';
import type { FileTree } from './files.js';

/** Lists a ZIP archive by its directory; contents are read and checked on demand. */
export async function openZip(path: string): Promise<FileTree> {
  const archive = collectEntries(path);
  const entries = new Map<string, Entry>();
  await withZip(path, async (zip) => {
    for await (const entry of zip.eachEntry()) {
      const { fileName, crc32: checksum, uncompressedSize, compressedSize } = entry;
      if (fileName.endsWith('/')) archive.addFolder(fileName);
      // The upper half of the attributes is the mode of Unix; 0xA000 is a link.
      else if ((entry.externalFileAttributes >>> 16) >>> 12 === 0xa) archive.skip(fileName, 'link');
      else if (expandsTooMuch(compressedSize, uncompressedSize)) archive.skip(fileName, 'size');
      else {
        const inside = archive.addFile(fileName, uncompressedSize, `${checksum}:${uncompressedSize}`);
        if (inside !== null) entries.set(inside, entry);
      }
    }
  });
  return {
    ...archive.tree(),
    async *read(files, signal) {
      const zip = await openPromise(path, { autoClose: false });
      const open = new Set<Promise<Buffer>>();
      try {
        for (const [index, { path: name }] of files.entries()) {
          signal?.throwIfAborted();
          const load = (): Promise<Buffer> => {
            const loading = contentOf(zip, entries.get(name));
            open.add(loading);
            return loading.finally(() => open.delete(loading));
          };
          yield { index, load };
        }
      } finally {
        // The file closes after the last content.
        await Promise.allSettled(open);
        zip.close();
      }
    },
  };
}

async function withZip(path: string, task: (zip: ZipFile) => Promise<void>): Promise<void> {
  try {
    const zip = await openPromise(path, { autoClose: false });
    try {
      await task(zip);
    } finally {
      const closed = once(zip, 'close');
      zip.close();
      await closed;
    }
  } catch (cause) {
    throw invalidInput(`the archive ${path} cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'Download or pack it again, or unpack it and name the folder.',
    });
  }
}

async function contentOf(zip: ZipFile, entry: Entry | undefined): Promise<Buffer> {
  if (entry === undefined) throw new Error('the archive has no such entry');
  if (entry.isEncrypted()) throw new Error('encrypted; unpack the archive with its password');
  const content = await buffer(await zip.openReadStreamPromise(entry));
  // Node.js before 20.15 has no `crc32`.
  if ('crc32' in zlib && zlib.crc32(content) !== entry.crc32) throw new Error('its checksum in the archive differs');
  return content;
}
