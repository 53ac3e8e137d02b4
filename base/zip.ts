import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { invalidInput, messageOf, NasError } from './errors.js';

/** Opens a ZIP archive for a task. @throws NasError `invalid-input` when it cannot be read */
export async function withZip<T>(path: string, task: (zip: ZipFile) => Promise<T>): Promise<T> {
  try {
    const zip = await openPromise(path, { autoClose: false });
    try {
      return await task(zip);
    } finally {
      const closed = once(zip, 'close');
      zip.close();
      await closed;
    }
  } catch (cause) {
    if (cause instanceof NasError) throw cause;
    throw invalidInput(`the archive ${path} cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'Download or pack it again, or unpack it and name the folder.',
    });
  }
}

/** The content of an entry, whose checksum is checked. */
export async function contentOf(zip: ZipFile, entry: Entry | undefined): Promise<Buffer> {
  if (entry === undefined) throw new Error('the archive has no such entry');
  if (entry.isEncrypted()) throw new Error('encrypted; unpack the archive with its password');
  const content = await buffer(await zip.openReadStreamPromise(entry));
  if (crc32(content) !== entry.crc32) throw new Error('its checksum in the archive differs');
  return content;
}
