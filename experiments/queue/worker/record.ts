import { cpus, hostname } from 'node:os';
import { nasVersion } from '../../../base/modules.js';
import type { Group } from '../fingerprint.js';
import type { WorkerRecord } from '../registry.js';
import type { WorkerJob } from './events.js';

/** What does not change while a worker is there. */
export type WorkerFacts = Omit<WorkerRecord, 'upSeconds' | 'unable' | 'quiet' | 'jobs'>;

/** What does. */
export interface WorkerState {
  readonly unable: string | null;
  readonly quiet: string | null;
  readonly jobs: readonly { readonly job: WorkerJob; readonly seconds: number }[];
}

export interface WorkerGiven {
  readonly id: string;
  readonly machine: string;
  readonly build: string;
  readonly group: Group;
  readonly tags: readonly string[];
  readonly modules: boolean;
  readonly slots: number;
  readonly memoryBytes: number | null;
}

export const workerFacts = ({ group, tags, ...given }: WorkerGiven): WorkerFacts => ({
  ...given,
  host: hostname(),
  pid: process.pid,
  cpu: cpus().at(0)?.model.trim() ?? 'an unknown processor',
  cores: cpus().length,
  version: nasVersion(),
  group: group.group,
  groupText: group.text,
  tags: [...tags],
});

/** A worker as it tells of itself now. */
export const workerRecord = (
  facts: WorkerFacts,
  upSeconds: number,
  { jobs, unable, quiet }: WorkerState,
): WorkerRecord => ({
  ...facts,
  upSeconds,
  unable,
  quiet,
  jobs: jobs.map(({ job, seconds }) => ({ ...job, seconds })),
});
