/** A queue of jobs, for the workers that may take them. */
export interface Lane {
  /** Version and build of the package: both sides must have the same. */
  readonly build: string;
  /** Fingerprint of the machines; null: those of any. */
  readonly group: string | null;
  /** Only workers with this tag; null: all. */
  readonly tag: string | null;
  /** Whether jobs run code of the user's: only workers that allow it. */
  readonly modules: boolean;
}

/** What decides which lanes a worker serves. */
export interface Abilities {
  readonly build: string;
  readonly group: string;
  readonly tags: readonly string[];
  readonly modules: boolean;
}

/** A BullMQ queue's name, which may hold no colon. */
export const queueName = ({ build, group, tag, modules }: Lane): string =>
  ['jobs', build, group ?? 'any', ...(tag === null ? [] : [`tag.${tag}`]), ...(modules ? ['modules'] : [])].join('/');

/** All lanes that a worker takes jobs from; those that only it can serve come first. */
export function lanesOf({ build, group, tags, modules }: Abilities): readonly Lane[] {
  const lanes: Lane[] = [];
  for (const tag of [...tags, null])
    for (const own of [group, null])
      for (const code of modules ? [true, false] : [false]) lanes.push({ build, group: own, tag, modules: code });
  return lanes;
}
