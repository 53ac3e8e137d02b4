import { z } from 'zod';

/** What goes between the coordinator's server of files and workers, beside the bytes. */

/** GET with ranges: a content. HEAD: whether it is there, or how much of it. PUT: sends it, or the rest of it. */
export const artifactPath = (sha256: string): string => `/v1/artifacts/${sha256}`;

export const headers = {
  /** How many bytes of an upload are there; of a PUT: from which on it sends. */
  offset: 'upload-offset',
  /** All bytes of the content that is, or will be, sent. */
  length: 'upload-length',
} as const;

export const statuses = {
  /** An upload begins at another place than where the last one ended, `upload-offset`. */
  elsewhere: 409,
  /** What was sent has another hash. */
  wrong: 422,
  /** Somebody else sends it. */
  busy: 423,
  /** There is no room for it. */
  full: 507,
} as const;

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

const count = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);

/** What a HEAD of somebody who would send something may tell, and a PUT must. */
export const lengthSchema = z.object({ [headers.length]: count });
export const uploadSchema = z.object({ [headers.length]: count, [headers.offset]: count });
export const offsetSchema = z.object({ [headers.offset]: count });

export const errorSchema = z.object({ error: z.object({ message: z.string(), hint: z.string().optional() }) });
