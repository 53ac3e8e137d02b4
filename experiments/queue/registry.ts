import { z } from 'zod';

/**
 * Who is there: workers and runs, as JSON under keys of the queue server that vanish when nobody renews them. Times are
 * durations, as clocks of machines differ.
 */

/** A worker process, as it tells of itself every few seconds. */
export const workerSchema = z.object({
  /** Random, new each time that it starts. */
  id: z.string(),
  host: z.string(),
  pid: z.number().int(),
  /** The same for all processes of one machine. */
  machine: z.string(),
  cpu: z.string(),
  cores: z.number().int(),
  version: z.string(),
  /** Version and build of the package, as lanes have it. */
  build: z.string(),
  group: z.string(),
  /** For people: `x64 avx2, blocks of 8, ONNX Runtime 1.30.0`. */
  groupText: z.string(),
  tags: z.array(z.string()),
  modules: z.boolean(),
  slots: z.number().int().min(1),
  memoryBytes: z.number().nullable(),
  /** Since it was started. */
  upSeconds: z.number(),
  /** What keeps it from taking jobs; null: nothing. */
  unable: z.string().nullable(),
  /** The claim of its machine (`quiet.ts`) for which it stands still; null: it does not. */
  quiet: z.string().nullable(),
  jobs: z.array(
    z.object({ slot: z.number().int(), run: z.string(), id: z.string(), kind: z.string(), seconds: z.number() }),
  ),
});
export type WorkerRecord = Readonly<z.output<typeof workerSchema>>;

/** How workers reach the files of a run. */
export const artifactsAddressSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('http'), url: z.string(), token: z.string() }),
  z.object({ type: z.literal('folder'), path: z.string() }),
]);
export type ArtifactsAddress = Readonly<z.output<typeof artifactsAddressSchema>>;

/** A run whose coordinator is at work; the key is also its lease: one coordinator at a time. */
export const runSchema = z.object({
  /** Names the run, and is the same when it goes on after a kill. */
  run: z.string(),
  /** For people. */
  name: z.string(),
  coordinator: z.object({
    /** Random, new each time that one starts. */
    id: z.string(),
    host: z.string(),
    pid: z.number().int(),
    /** As `ProcessMark` has them. */
    place: z.string(),
    started: z.string().nullable(),
  }),
  artifacts: artifactsAddressSchema,
  build: z.string(),
  version: z.string(),
  group: z.string().nullable(),
  tag: z.string().nullable(),
  modules: z.boolean(),
});
export type RunRecord = Readonly<z.output<typeof runSchema>>;
