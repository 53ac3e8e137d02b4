import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { NasError } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { contentHash } from '../../base/hash.js';
import { outputKind, toLogits, type OpenClassifier, type OutputKind } from '../../compiler/index.js';
import { createLoader, type DatasetInfo } from '../data/index.js';
import { evaluateSplit } from '../evaluate.js';
import type { TeacherLogits } from './prepared.js';
import type { TeacherOptions, TeacherSource } from './source.js';

/** Images a batch when a teacher is asked. */
const batch = 128;

/** What asking a teacher about the validation split told. */
const verdictSchema = z.object({ accuracy: z.number(), outputs: z.enum(['logits', 'probabilities']) });
type Verdict = z.output<typeof verdictSchema>;

/** Opens a teacher when first needed, and closes it. */
export class AskedTeacher {
  private opened: Promise<OpenClassifier> | null = null;

  constructor(
    private readonly source: TeacherSource,
    private readonly info: DatasetInfo,
    private readonly options: TeacherOptions & { readonly cache: string },
  ) {}

  /** Accuracy on the validation split and the kind of outputs; cached by content. */
  async verdict(): Promise<Verdict> {
    const { source, info, options } = this;
    if (source.accuracy !== null) return { accuracy: source.accuracy, outputs: 'logits' };
    const file = this.file('verdict', '.json', source.hash, info.hash);
    const cached = existsSync(file) ? verdictSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))) : null;
    if (cached?.success === true) return cached.data;
    const teacher = await this.open();
    let kind: OutputKind | undefined;
    const { accuracy } = await evaluateSplit(
      async (images, size) => {
        const rows = await teacher.outputs(images, size);
        kind ??= outputKind(rows, info.classes.length);
        return toLogits[kind](rows);
      },
      options.dataset,
      'validation',
      batch,
    );
    const verdict: Verdict = { accuracy, outputs: kind ?? 'logits' };
    writeFileAtomic(file, JSON.stringify(verdict));
    return verdict;
  }

  /**
   * The logits of every view of the train split, in its order; computed once and cached by the content of teacher, data
   * and views.
   */
  async logits(outputs: OutputKind): Promise<TeacherLogits> {
    const { source, info, options } = this;
    const { augment } = options.train;
    const file = this.file('logits', '.f32', source.hash, info.hash, augment, options.seed);
    // A view that is computed survives a kill.
    const parts = Array.from({ length: augment.views }, (_, view) => `${file}.view${view}`);
    if (!existsSync(file)) {
      await this.askAll(outputs, parts);
      writeFileAtomic(file, ...parts.map((part) => readFileSync(part)));
    }
    for (const part of parts) rmSync(part, { force: true });
    return { file, augment, viewSeed: options.seed };
  }

  async close(): Promise<void> {
    await (await this.opened)?.close();
  }

  private file(kind: string, extension: string, ...content: readonly unknown[]): string {
    return join(this.options.cache, 'teachers', `${kind}-${contentHash(kind, ...content).slice(0, 32)}${extension}`);
  }

  private open(): Promise<OpenClassifier> {
    return (this.opened ??= this.source.open());
  }

  /** Writes the logits of each view to a file of its own, but for those that are there. */
  private async askAll(outputs: OutputKind, files: readonly string[]): Promise<void> {
    const { info, options } = this;
    const { dataset, seed, train, hooks = {} } = options;
    const count = info.counts.train;
    const teacher = await this.open();
    const loader = createLoader({
      dataset,
      split: 'train',
      batch,
      seed,
      viewSeed: seed,
      augment: train.augment,
      shuffle: false,
      dropLast: false,
    });
    try {
      for (const [view, file] of files.entries()) {
        if (existsSync(file)) continue;
        const rows = new Float32Array(count * info.classes.length);
        let done = 0;
        for await (const { images, size } of loader.epoch(view)) {
          await setImmediate();
          await hooks.pause?.();
          if (hooks.signal?.aborted === true)
            throw new NasError('interrupted', "computing the teacher's logits was interrupted");
          rows.set(toLogits[outputs](await teacher.outputs(images, size)), done * info.classes.length);
          done += size;
          hooks.onLogits?.(view * count + done, files.length * count);
        }
        if (done !== count || rows.some((x) => !Number.isFinite(x)))
          throw new NasError('failure', `the teacher ${this.source.name} gives logits that are not finite numbers`);
        writeFileAtomic(file, new Uint8Array(rows.buffer));
      }
    } finally {
      await loader.close();
    }
  }
}
