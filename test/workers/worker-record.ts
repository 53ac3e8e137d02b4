import type { WorkerRecord, RunRecord } from '../../workers/registry.js';

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

/** The record of a run, whose coordinator has this id, with the given parts. */
export const runRecord = (part: Partial<RunRecord> = {}, id = 'c'): RunRecord => ({
  run: 'r',
  name: 'digits',
  coordinator: { id, host: 'ada', pid: 7 },
  artifacts: { url: 'http://10.0.0.1:7710', token: 'secret-token' },
  build: 'b',
  version: '1',
  group: null,
  tag: null,
  modules: false,
  ...part,
});
