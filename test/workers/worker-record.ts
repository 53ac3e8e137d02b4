import type { WorkerRecord } from '../../workers/registry.js';

/** A worker's announcement with the given parts; the rest are defaults. */
export const workerRecord = (part: Partial<WorkerRecord> = {}): WorkerRecord => ({
  id: 'w1',
  host: 'host',
  pid: 1,
  machine: 'machine',
  cpu: 'cpu',
  cores: 1,
  version: '1',
  build: 'b',
  group: 'g1',
  groupText: 'x64',
  tags: [],
  modules: false,
  slots: 1,
  memoryBytes: null,
  upSeconds: 0,
  unable: null,
  pausedFor: null,
  jobs: [],
  ...part,
});
