import { z } from 'zod';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What UTF-8 cannot say does not arrive as it was. */
const isText = (path: string): boolean => Buffer.from(path, 'utf8').toString('utf8') === path;

/** A relative path with `/`, which stays inside the folder that it is relative to, on any system. */
export const isInside = (path: string): boolean =>
  !/[\\:\0]/.test(path) &&
  isText(path) &&
  path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');

/** The content of a file. */
export const artifactSchema = z.object({ sha256, bytes: z.number().int().min(0) });
export type Artifact = Readonly<z.output<typeof artifactSchema>>;

/** A file in a folder: its path there, and its content. */
export const fileSchema = artifactSchema.extend({ path: z.string().refine(isInside) });
export type FileIn = Readonly<z.output<typeof fileSchema>>;

/** Whether files can all be in one folder: no path twice, and none of a file below that of another. */
function canBeTogether(files: readonly FileIn[]): boolean {
  const paths = new Set(files.map(({ path }) => path));
  const folders = files.flatMap(({ path }) => path.split('/').map((_, i, parts) => parts.slice(0, i).join('/')));
  return paths.size === files.length && !folders.some((folder) => paths.has(folder));
}

/**
 * A file or a folder as its content. A file is a bundle of one, under its own name, as what reads it may look at the
 * ending. Of a folder its regular files are known; folders without any are not.
 */
export const bundleSchema = z
  .object({ kind: z.enum(['file', 'folder']), files: z.array(fileSchema).refine(canBeTogether) })
  .refine(({ kind, files }) => kind === 'folder' || (files.length === 1 && !files[0].path.includes('/')));
export type Bundle = Readonly<z.output<typeof bundleSchema>>;

/** Of all files. */
export const bytesOf = (files: readonly Artifact[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);
