import { groupBy } from '../base/group.js';

/** What a job asks of its worker. Jobs with the same requirements share a BullMQ queue. */
export interface Requirements {
  /** Version and build of the package; results of another one may differ. */
  readonly build: string;
  /** Fingerprint of the machines; null: any. */
  readonly group: string | null;
  /** Only workers with this tag; null: any. */
  readonly tag: string | null;
  /** Whether the job runs code of the user's, which a worker has to allow. */
  readonly modules: boolean;
}

/** The properties of a worker that decide which queues it serves. */
export interface Abilities {
  readonly build: string;
  readonly group: string;
  readonly tags: readonly string[];
  readonly modules: boolean;
}

/** A worker that may do a job. */
export interface Candidate extends Abilities {
  readonly host: string;
  readonly slots: number;
  /** Why it takes no jobs at the moment; null: it does. */
  readonly unable: string | null;
}

/** A BullMQ queue's name, which may not contain a colon. */
export const queueName = ({ build, group, tag, modules }: Requirements): string =>
  ['jobs', build, group ?? 'any', ...(tag === null ? [] : [`tag.${tag}`]), ...(modules ? ['modules'] : [])].join('/');

/** The requirements that a worker meets: one queue each. */
export function queuesOf({ build, group, tags, modules }: Abilities): readonly Requirements[] {
  const queues: Requirements[] = [];
  for (const tag of [...tags, null])
    for (const own of [group, null])
      for (const code of modules ? [true, false] : [false]) queues.push({ build, group: own, tag, modules: code });
  return queues;
}

/** Why a worker cannot do a job, each as the end of a sentence about the worker; empty: it can. */
export function whyNot(wanted: Requirements, worker: Abilities): readonly string[] {
  return [
    ...(worker.build === wanted.build ? [] : [`runs nas ${worker.build}, not ${wanted.build}`]),
    ...(wanted.group === null || worker.group === wanted.group
      ? []
      : [`is of group ${worker.group}, not ${wanted.group}: its results differ in the last bits`]),
    ...(wanted.tag === null || worker.tags.includes(wanted.tag) ? [] : [`has no tag ${wanted.tag}`]),
    ...(!wanted.modules || worker.modules ? [] : ['runs no code of others (--allow-modules)']),
  ];
}

/** `whyNot`, and what keeps the worker from all jobs at the moment. */
const whyNotNow = (wanted: Requirements, worker: Candidate): readonly string[] => [
  ...whyNot(wanted, worker),
  ...(worker.unable === null ? [] : [worker.unable]),
];

/** Whether a worker takes jobs with these requirements now. */
export const isServed = (wanted: Requirements, workers: readonly Candidate[]): boolean =>
  workers.some((worker) => whyNotNow(wanted, worker).length === 0);

/** Slots of the workers that meet requirements, by group. */
export function slotsByGroup(wanted: Requirements, workers: readonly Candidate[]): ReadonlyMap<string, number> {
  const slots = new Map<string, number>();
  for (const worker of workers)
    if (whyNot(wanted, worker).length === 0) slots.set(worker.group, (slots.get(worker.group) ?? 0) + worker.slots);
  return slots;
}

/** The group with the most slots; of equal ones the first by name. Null: there is none. */
export function largestGroup(slots: ReadonlyMap<string, number>): string | null {
  const sorted = [...slots].sort(([a, some], [b, others]) => others - some || (a < b ? -1 : 1));
  return sorted.at(0)?.[0] ?? null;
}

/** The command that starts a worker with these requirements. */
export const commandFor = (url: string, { tag, modules }: Pick<Requirements, 'tag' | 'modules'>): string =>
  [
    `nas worker --queue ${url}`,
    ...(tag === null ? [] : [`--tag ${tag}`]),
    ...(modules ? ['--allow-modules'] : []),
  ].join(' ');

/** Number of reasons that a message lists. */
const mostReasons = 4;

/** Why none of the workers takes such jobs: `pi5 has no tag gpu; …`. */
export function describeMisfits(wanted: Requirements, workers: readonly Candidate[]): string {
  const misfits = workers.filter((worker) => whyNotNow(wanted, worker).length > 0);
  const byReason = [...groupBy(misfits, (worker) => whyNotNow(wanted, worker).join(' and '))];
  const texts = byReason
    .slice(0, mostReasons)
    .map(([reason, group]) => `${[...new Set(group.map(({ host }) => host))].join(', ')} ${reason}`);
  return [...texts, ...(byReason.length > mostReasons ? ['…'] : [])].join('; ');
}
