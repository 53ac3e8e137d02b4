import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { maskedCrc } from '../../../reports/history/event-file.js';
import type { Store } from '../../../store/index.js';
import { nasInside } from '../../cli/nas.js';
import { sharedFolder } from '../../support/temporary.js';
import { storedHistory } from './stored-history.js';

// The messages of TensorFlow (event.proto, summary.proto) and of the plugin (plugin_data.proto, api.proto), as far as TensorBoard
// reads them of these files.
const { root } = protobuf.parse(
  `syntax = "proto3";
  message Event { double wall_time = 1; int64 step = 2; oneof what { string file_version = 3; Summary summary = 5; } }
  message Summary { repeated SummaryValue value = 1; }
  message SummaryValue { string tag = 1; oneof value { float simple_value = 2; Image image = 4; } SummaryMetadata metadata = 9; }
  message Image { int32 height = 1; int32 width = 2; int32 colorspace = 3; bytes encoded_image_string = 4; }
  message SummaryMetadata { PluginData plugin_data = 1; }
  message PluginData { string plugin_name = 1; bytes content = 2; }
  message HParamsPluginData { int32 version = 1; oneof data { Experiment experiment = 2; SessionStartInfo start = 3; SessionEndInfo end = 4; } }
  message SessionStartInfo { map<string, Value> hparams = 1; double start_time_secs = 5; }
  message SessionEndInfo { int32 status = 1; double end_time_secs = 2; }
  message Experiment { double time_created_secs = 3; repeated HParamInfo hparam_infos = 4; repeated MetricInfo metric_infos = 5; string name = 6; }
  message HParamInfo { string name = 1; int32 type = 4; ListValue domain_discrete = 5; }
  message MetricInfo { MetricName name = 1; string display_name = 3; }
  message MetricName { string group = 1; string tag = 2; }
  message ListValue { repeated Value values = 1; }
  message Value { oneof kind { int32 null_value = 1; double number_value = 2; string string_value = 3; bool bool_value = 4; } }`,
  { keepCase: true },
);
const [eventType, pluginType] = [root.lookupType('Event'), root.lookupType('HParamsPluginData')];
const plain = { longs: Number, arrays: true, objects: true, defaults: true, oneofs: false } as const;

interface ReadValue {
  readonly tag: string;
  readonly simple_value?: number;
  readonly image?: { readonly height: number; readonly width: number; readonly encoded_image_string: Uint8Array };
  readonly metadata: { readonly plugin_data: { readonly plugin_name: string; readonly content: Uint8Array } } | null;
}

interface ReadEvent {
  readonly wall_time: number;
  readonly step: number;
  readonly file_version?: string;
  readonly summary?: { readonly value: readonly ReadValue[] };
}

/** The events of the only file in a folder, whose lengths and checksums are right. */
function eventsIn(folder: string): ReadEvent[] {
  const [name, ...others] = readdirSync(folder).filter((each) => each.includes('tfevents'));
  expect(others).toEqual([]);
  const file = readFileSync(join(folder, name));
  const events: ReadEvent[] = [];
  for (let at = 0; at < file.length;) {
    const length = Number(file.readBigUInt64LE(at));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(file.readUInt32LE(at + 8)).toBe(maskedCrc(file.subarray(at, at + 8)));
    expect(file.readUInt32LE(at + 12 + length)).toBe(maskedCrc(data));
    events.push(eventType.toObject(eventType.decode(data), { ...plain, defaults: false, arrays: false }) as ReadEvent);
    at += length + 16;
  }
  return events;
}

/** What the HParams plugin finds in an event file under a tag. */
function hparams(events: readonly ReadEvent[], tag: string): Record<string, unknown> {
  const values = events.flatMap(({ summary }) => summary?.value ?? []);
  const data = values.find((value) => value.tag === `_hparams_/${tag}`)?.metadata?.plugin_data;
  expect(data?.plugin_name).toBe('hparams');
  return pluginType.toObject(pluginType.decode(data?.content ?? new Uint8Array()), plain);
}

const folder = sharedFolder();
const logs = join(folder, 'logs');
let store: Store;

beforeAll(async () => {
  store = await storedHistory(join(folder, 'run'));
  expect(await nasInside(['export', store.directory, '--to', 'tensorboard', logs])).toMatchObject({
    code: 0,
    err: `${logs}: 6 trials; tensorboard --logdir ${logs} shows them\n`,
  });
});

/** Scalars by tag: [step, value]. */
function scalarsOf(events: readonly ReadEvent[]): Record<string, [number, number][]> {
  const found: Record<string, [number, number][]> = {};
  for (const { step = 0, summary } of events)
    for (const { tag, simple_value: value } of summary?.value ?? [])
      if (value !== undefined) (found[tag] ??= []).push([step, Number(value.toFixed(5))]);
  return found;
}

it('checksums are those of CRC-32C', () => {
  const unmasked = (masked: number): number => {
    const turned = (masked - 0xa282ead8) >>> 0;
    return ((turned >>> 17) | (turned << 15)) >>> 0;
  };
  // RFC 3720, B.4.
  expect(unmasked(maskedCrc(new Uint8Array(32)))).toBe(0x8a9136aa);
  expect(unmasked(maskedCrc(Buffer.from('123456789')))).toBe(0xe3069283);
});

describe('nas export --to tensorboard', () => {
  it('writes the curves and values of a trial', () => {
    const events = eventsIn(join(logs, 'trial-0'));
    const trial = store.trials.get(0);
    expect(events[0]).toEqual({ wall_time: (trial?.askedAt ?? 0) / 1000, file_version: 'brain.Event:2' });
    const { macs, params, accuracy, latency_ms, ...curves } = scalarsOf(events);
    expect(curves).toEqual({
      'train/loss': [
        [1, 1],
        [2, 1],
      ],
      'train/accuracy': [
        [1, 0.25],
        [2, 0.25],
      ],
      'validation/loss': [
        [1, 1.5],
        [2, 1.5],
      ],
      'validation/accuracy': [
        [1, 0.5],
        [2, 0.6],
      ],
      learning_rate: [
        [1, 0.125],
        [2, 0.125],
      ],
      images_per_second: [
        [1, 500],
        [2, 500],
      ],
      'final/train/loss': [[1, 1]],
      'final/train/accuracy': [[1, 0.25]],
      'final/validation/loss': [[1, 1.5]],
      'final/validation/accuracy': [[1, 0.7]],
      'final/learning_rate': [[1, 0.125]],
      'final/images_per_second': [[1, 500]],
      'final/accuracy': [[2, 0.7]],
      'final/test_accuracy': [[2, 0.65]],
    });
    expect(accuracy).toEqual([[2, Number(trial?.values['accuracy'].value.toFixed(5))]]);
    expect([macs, params, latency_ms].map((values) => values.length)).toEqual([1, 1, 1]);
  });

  it('names hyperparameters and metrics for the HParams plugin', () => {
    const events = eventsIn(join(logs, 'trial-0'));
    const { choices, finishedAt } = store.trials.get(0) ?? { choices: {}, finishedAt: null };
    const start = hparams(events, 'session_start_info')['start'] as {
      hparams: Record<string, Record<string, unknown>>;
    };
    const chosen = Object.entries(start.hparams).map(([name, value]) => [name, Object.values(value)[0]]);
    expect(Object.fromEntries(chosen)).toEqual(choices);
    expect(hparams(events, 'session_end_info')['end']).toEqual({ status: 1, end_time_secs: (finishedAt ?? 0) / 1000 });
    const { experiment } = hparams(eventsIn(logs), 'experiment') as {
      experiment: { name: string; hparam_infos: { name: string }[]; metric_infos: unknown[] };
    };
    expect(experiment.name).toBe('stored');
    expect(experiment.hparam_infos.map(({ name }) => name)).toEqual(Object.keys(choices));
    expect(experiment.metric_infos).toEqual([
      { name: { group: '', tag: 'accuracy' }, display_name: 'accuracy' },
      { name: { group: '', tag: 'latency_ms' }, display_name: 'latency_ms' },
    ]);
  });

  it('shows the frontier as an image', () => {
    const { image } =
      eventsIn(logs)
        .flatMap(({ summary }) => summary?.value ?? [])
        .at(-1) ?? {};
    expect(image).toMatchObject({ width: 4, height: 3, colorspace: 4 });
    expect(
      Buffer.from(image?.encoded_image_string ?? [])
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
  });
});
