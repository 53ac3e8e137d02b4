import { openPromise, type Entry } from 'yauzl';
import { contentOf, withZip } from '../../../base/zip.js';
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
