import { join } from 'node:path';
import { writeFileAtomic } from '../../base/files.js';
import type { Values } from '../../search/index.js';
import type { Choice } from '../../spaces/index.js';
import type { TrialState } from '../../store/index.js';
import { bytes, double, eventFile, float, text, whole, type Field, type LoggedEvent } from './event-file.js';
import type { HistoryEntry, HistoryRun, RunLog } from './history.js';

// Field numbers follow summary.proto of TensorFlow, and plugin_data.proto and api.proto of TensorBoard's HParams plugin.

const scalar = (tag: string, value: number): Field[] => [text(1, tag), float(2, value)];

const scalars = (values: Values): Field[] =>
  Object.entries(values).map(([tag, value]) => Buffer.concat(scalar(tag, value)));

/** What the HParams plugin reads, under the tag that it looks for. */
const hparams = (tag: string, ...data: readonly Field[]): Field =>
  Buffer.concat([text(1, `_hparams_/${tag}`), bytes(9, bytes(1, text(1, 'hparams'), bytes(2, ...data)))]);

/** `google.protobuf.Value` of a choice. */
function valueOf(choice: Choice): Field {
  switch (typeof choice) {
    case 'number':
      return double(2, choice);
    case 'string':
      return text(3, choice);
    case 'boolean':
      return whole(4, Number(choice));
  }
}

/** HParams' types of hyperparameters. */
const types = { string: 1, boolean: 2, number: 3 } as const;

/** HParams' status of a session; null: it goes on. */
const statuses: { readonly [S in TrialState]: number | null } = {
  waiting: null,
  running: null,
  complete: 1,
  pruned: 1,
  failed: 2,
};

function eventsOf({ trial, values, epochs, changedAt }: HistoryEntry): LoggedEvent[] {
  const { choices, askedAt, startedAt, finishedAt, state } = trial;
  const chosen = Object.entries(choices).map(([name, choice]) => bytes(1, text(1, name), bytes(2, valueOf(choice))));
  const start = bytes(3, ...chosen, double(5, (startedAt ?? askedAt) / 1000));
  const status = statuses[state];
  const end =
    status === null
      ? []
      : [hparams('session_end_info', bytes(4, whole(1, status), double(2, (finishedAt ?? 0) / 1000)))];
  const step = epochs.filter(({ stage }) => stage === 'search').length;
  return [
    { at: askedAt, values: [hparams('session_start_info', start)] },
    ...epochs.map((epoch) => ({ at: epoch.at, step: epoch.step, values: scalars(epoch.values) })),
    { at: changedAt, step, values: [...scalars(values), ...end] },
  ];
}

/** The metadata of the HParams plugin: decisions with the choices that were tried, and objectives. */
function experimentOf({ name, createdAt, objectives }: HistoryRun, entries: readonly HistoryEntry[]): Field {
  const tried = new Map<string, Set<Choice>>();
  for (const { trial } of entries)
    for (const [decision, choice] of Object.entries(trial.choices))
      tried.set(decision, (tried.get(decision) ?? new Set()).add(choice));
  const decisions = [...tried].map(([decision, choices]) => {
    const [first] = choices;
    const domain = [...choices].map((choice) => bytes(1, valueOf(choice)));
    return bytes(4, text(1, decision), whole(4, types[typeof first as keyof typeof types]), bytes(5, ...domain));
  });
  const metrics = objectives.map((objective) => bytes(5, bytes(1, text(2, objective.name)), text(3, objective.name)));
  return bytes(2, text(6, name), double(3, createdAt / 1000), ...decisions, ...metrics);
}

/** Event files for TensorBoard in a folder: one of the run, and one of each trial in a folder of its own. */
export class TensorBoardLog implements RunLog {
  constructor(private readonly folder: string) {}

  trial(entries: readonly HistoryEntry[]): Promise<void> {
    for (const entry of entries) this.write(entry.name, entry.trial.askedAt, eventsOf(entry));
    return Promise.resolve();
  }

  run(run: HistoryRun, entries: readonly HistoryEntry[]): Promise<void> {
    const { createdAt: at, picture } = run;
    const image = picture && [
      text(1, 'frontier'),
      bytes(4, whole(1, picture.height), whole(2, picture.width), whole(3, 4), bytes(4, picture.png)),
    ];
    const values = [hparams('experiment', experimentOf(run, entries)), ...(image ? [Buffer.concat(image)] : [])];
    this.write('', at, [{ at, values }]);
    return Promise.resolve();
  }

  private write(name: string, at: number, events: readonly LoggedEvent[]): void {
    const file = `events.out.tfevents.${Math.floor(at / 1000)}.nas`;
    writeFileAtomic(join(this.folder, name, file), eventFile(at, events));
  }
}
