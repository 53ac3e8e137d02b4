import { z } from 'zod';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** A relative path with `/`, which stays inside the folder that it is relative to, on any system. */
const insidePath = z
  .string()
  .min(1)
  .refine(
    (path) => !/[\\:\0]/.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
  );

/** The content of a file. */
export const artifactSchema = z.object({ sha256, bytes: z.number().int().min(0) });
export type Artifact = Readonly<z.output<typeof artifactSchema>>;

/** A file in a folder: its path there, and its content. */
export const fileSchema = artifactSchema.extend({ path: insidePath });
export type FileIn = Readonly<z.output<typeof fileSchema>>;

/**
 * A file or a folder as its content. A file is a bundle of one, under its own name, as what reads it may look at the
 * ending.
 */
export const bundleSchema = z.object({ kind: z.enum(['file', 'folder']), files: z.array(fileSchema) });
export type Bundle = Readonly<z.output<typeof bundleSchema>>;
