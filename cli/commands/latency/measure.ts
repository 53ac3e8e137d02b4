import { drawReport } from '../../../api/report.js';
import { statSync } from 'node:fs';
import { invalidInput } from '../../../base/errors.js';
import { readInput, writeFileAtomic } from '../../../base/files.js';
import type { MeasuredAgain } from '../../../runner/index.js';
import { shellWord } from '../../../base/text.js';
import { collectRun, ms, percent } from '../../../reports/index.js';
import type {
  LayerProfile,
  LayerTime,
  Measurable,
  Measurement,
  ReachableDevice,
} from '../../../latency-models/index.js';
import { deviceOption, parseDevice } from '../../arguments/device.js';
import { command, jsonOption, flag } from '../../command.js';
import { withRun } from '../../open-run.js';
import {
  type Colors,
  type Column,
  json,
  renderFacts,
  renderTable,
  type Terminal,
  numeric,
  warningLine,
  type Fact,
} from '../../output/terminal.js';
import { createCounter } from '../../progress/counter.js';

interface Row {
  readonly batch: number;
  readonly measurement: Measurement;
}

const perSecond = ({ batch, measurement }: Row): number => (1000 * batch) / measurement.ms;

const columns = (colors: Colors): readonly Column<Row>[] => [
  numeric('batch', ({ batch }) => `${batch}`),
  numeric('latency', ({ measurement }) => ms(measurement.ms)),
  numeric('95 % interval', ({ measurement: { interval } }) => `${ms(interval[0])} to ${ms(interval[1])}`),
  numeric('p50', ({ measurement }) => ms(measurement.p50)),
  numeric('p95', ({ measurement }) => ms(measurement.p95)),
  numeric('p99', ({ measurement: { p99 } }) => (p99 === null ? '' : ms(p99))),
  numeric('images/s', (row) => Number(perSecond(row).toPrecision(4)).toLocaleString('en-US')),
  {
    title: 'reliable',
    cell: ({ measurement: { reliable } }) => (reliable ? colors.green('yes') : colors.red('no')),
  },
];

const barWidth = 30;

const layerColumns = (largest: number): readonly Column<LayerTime>[] => [
  { title: 'layer', cell: ({ layer }) => layer },
  { title: 'operators', cell: ({ operators }) => operators.join(' ') },
  numeric('time', (layer) => `${(1000 * layer.ms).toFixed(1)} µs`),
  numeric('share', ({ share }) => percent(share)),
  { title: '', cell: ({ share }) => '█'.repeat(Math.round((barWidth * share) / Math.max(largest, 1e-9))) },
];

const profileTable = (profile: LayerProfile, colors: Colors): string =>
  `\n${colors.bold('Time per layer')}: ${ms(profile.ms)} a run in ${profile.runs} runs with the profiler on\n${renderTable(
    layerColumns(Math.max(...profile.layers.map(({ share }) => share))),
    profile.layers,
    colors,
  )}`;

/** `1,8,32` as numbers. */
function batchesOf(text: string): number[] {
  const batches = text.split(',').map(Number);
  const isSize = (size: number): boolean => Number.isInteger(size) && size >= 1 && size <= 4096;
  if (!batches.every(isSize))
    throw invalidInput(`--batch ${text}: expected whole numbers from 1 to 4096 with commas between, like 1,8,32`);
  return [...new Set(batches)];
}

const batchHints: { readonly [T in 'agent' | 'table' | 'serial']: string } = {
  agent: 'nas agent --device local:batch=8 sets it.',
  table: 'Choose another column.',
  serial: 'The program in C computes one image.',
};

function atBatches(config: ReachableDevice, batch: string | undefined): { config: ReachableDevice; batch: number }[] {
  const hasBatch = config.type === 'local' || config.type === 'browser';
  if (batch === undefined) return [{ config, batch: hasBatch ? config.batch : 1 }];
  if (!hasBatch)
    throw invalidInput(`--batch ${batch}: a device of type ${config.type} has a fixed batch size`, {
      hint: batchHints[config.type],
    });
  return batchesOf(batch).map((size) => ({ config: { ...config, batch: size }, batch: size }));
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Loads the model or trial and passes it to `task`. */
export async function withSubject<T>(
  model: string,
  trial: number | undefined,
  task: (subject: Measurable) => Promise<T>,
): Promise<T> {
  if (!isFolder(model)) {
    if (trial !== undefined)
      throw invalidInput(`${model} is not a folder of a run, so it has no trial ${trial}`, {
        hint: 'nas latency measure model.onnx, or nas latency measure runs/name 7.',
      });
    return task(readInput(model, 'Give an ONNX file, or the folder of a run and the number of a trial.'));
  }
  return withRun(model, async (store) => {
    if (trial === undefined || !Number.isInteger(trial))
      throw invalidInput(`${model}: which trial? give its number after the folder`, {
        hint: `nas trials ${model} lists them; --frontier measures the frontier again.`,
      });
    const { trialSubject } = await import('../../../runner/index.js');
    return task(trialSubject(store, model, trial));
  });
}

const againColumns = (colors: Colors): readonly Column<MeasuredAgain>[] => [
  numeric('trial', ({ trial }) => `${trial}`),
  { title: 'precision', cell: ({ precision }) => precision },
  numeric('before', ({ before }) => (before === null ? '-' : ms(before))),
  ...columns(colors)
    .filter(({ title }) => title !== 'batch' && title !== 'images/s')
    .map(({ cell, ...column }): Column<MeasuredAgain> => ({
      ...column,
      cell: ({ measurement }) => cell({ batch: measurement.environment.batch, measurement }),
    })),
];

/** Measures the frontier of a run again, and stores the latencies. */
async function measureAgain(workdir: string, asJson: boolean, terminal: Terminal): Promise<void> {
  const { out, err, colors } = terminal;
  const { measureFrontierAgain } = await import('../../../runner/index.js');
  const counter = createCounter(terminal);
  const rows = await measureFrontierAgain(
    workdir,
    { onProgress: counter.show('blocks'), report: drawReport },
    () => undefined,
  ).finally(counter.close);
  if (asJson)
    out(
      json({
        workdir,
        measurements: rows.map(({ measurement: { samples, ...rest }, ...row }) => ({
          ...row,
          ...rest,
          runs: samples.length,
        })),
      }),
    );
  else out(renderTable(againColumns(colors), rows, colors));
  const unreliable = rows.filter(({ measurement }) => !measurement.reliable);
  const [first] = unreliable;
  if (unreliable.length > 0)
    err(
      warningLine(
        `${unreliable.length} of ${rows.length} are not reliable: ${first.measurement.reasons.join('; ')}`,
        colors,
      ),
    );
  const late = new Set(rows.flatMap(({ trial, saved }) => (saved ? [] : [trial])));
  if (late.size > 0) {
    const { planned } = await withRun(workdir, collectRun);
    const them = late.size === 1 ? 'it' : 'them';
    err(
      `without a final training and a file: trial ${[...late].join(', ')}; nas resume ${shellWord(workdir)} --trials ${planned} adds ${them}\n`,
    );
  }
  err(`stored in ${workdir}\n`);
}

export const measure = command({
  usage: 'measure <model> [trial]',
  summary: 'Measure the latency of an ONNX model or of a trial, and how reliable it is',
  examples: [
    ['latency measure model.onnx --batch 1,8,32', 'on this machine, one thread'],
    ['latency measure runs/quickstart 7 --device browser', "a trial's network, in a browser"],
    ['latency measure model.onnx --device local:threads=2 --profile', 'and the time of each layer'],
    ['latency measure model.onnx -o samples.json', 'keeps every single run'],
    ['latency measure runs/quickstart --frontier', 'measures the frontier again, side by side, and stores it'],
  ],
  options: (yargs) =>
    yargs
      .positional('model', { type: 'string', demandOption: true, describe: "ONNX file, or a run's folder" })
      .positional('trial', { type: 'number', describe: 'Number of a trial of that run' })
      .option('frontier', flag("Measure a run's frontier again, on its device, and store the latencies in the run"))
      .option('device', deviceOption)
      .option('batch', {
        type: 'string',
        describe: 'Batch sizes with commas between; by default the one of the device',
      })
      .option('profile', flag('Show the time of each layer (local devices)'))
      .option('output', { alias: 'o', type: 'string', describe: 'File for the measurements with all samples, as JSON' })
      .option('json', jsonOption),
  run: async ({ model, trial, frontier, device: argument, batch, profile, output, json: asJson }, terminal) => {
    const { out, err, colors } = terminal;
    if (frontier) {
      if (trial !== undefined || batch !== undefined || profile || output !== undefined)
        throw invalidInput(
          '--frontier measures all members on the device of the run: give it the folder of the run only',
        );
      await withRun(model, () => undefined);
      await measureAgain(model, asJson, terminal);
      return;
    }
    const config = parseDevice(argument);
    const settings = atBatches(config, batch);
    if (profile && config.type !== 'local')
      throw invalidInput(`--profile: only local devices measure the time of each layer, not ${config.type}`);
    await withSubject(model, trial, async (subject) => {
      const { createDevice, measureOne, modelOf, precisionText, profileLayers, saturates, saturationText } =
        await import('../../../latency-models/index.js');
      const counter = createCounter(terminal);
      const rows: Row[] = [];
      for (const { config: setting, batch: size } of settings) {
        const options = { onProgress: counter.show(`batch ${size}: blocks`) };
        const measurement = await measureOne(createDevice(setting), subject, undefined, options);
        rows.push({ batch: measurement.environment.batch, measurement });
      }
      const [first] = settings;
      const layers =
        profile && first.config.type === 'local'
          ? await profileLayers(await modelOf(subject), first.config)
          : undefined;
      counter.close();
      const { environment, provenance } = rows[0].measurement;
      const isSaturated =
        environment.precision === 'int8' &&
        (await saturates(createDevice(first.config), await modelOf(subject), environment));
      const all = rows.map((row) => ({ batch: row.batch, imagesPerSecond: perSecond(row), ...row.measurement }));
      if (output !== undefined)
        writeFileAtomic(output, json({ model, ...(trial === undefined ? {} : { trial }), measurements: all }));
      if (asJson) {
        const measurements = all.map(({ samples, ...rest }) => ({ ...rest, runs: samples.length }));
        out(
          json({
            model,
            trial: trial ?? null,
            measurements,
            ...(environment.precision === 'int8' && { saturates: isSaturated }),
            ...(layers === undefined ? {} : { profile: layers }),
          }),
        );
        return;
      }
      const runs = rows.reduce((sum, { measurement }) => sum + measurement.samples.length, 0);
      out(
        renderFacts(
          [
            ['model', trial === undefined ? model : `trial ${trial} of ${model}`],
            ['device', environment.device],
            ['processor', `${environment.cpu}, ${environment.cores} core${environment.cores === 1 ? '' : 's'}`],
            ['runtime', `${environment.runtime}; ${environment.platform}`],
            ['clock governor', environment.governor ?? 'unknown'],
            ['load, affinity', `${environment.load.toFixed(2)}; processors ${environment.affinity ?? 'unknown'}`],
            environment.precision !== undefined && ['executed', precisionText(environment)],
            ['provenance', provenance === 'measured' ? `measured, ${runs} runs` : provenance],
            ...(environment.notes ?? []).map((note): Fact => ['note', note]),
          ],
          colors,
        ),
      );
      out(`\n${renderTable(columns(colors), rows, colors)}`);
      if (layers !== undefined) out(profileTable(layers, colors));
      if (isSaturated) err(warningLine(saturationText, colors));
      for (const { batch: size, measurement } of rows)
        if (!measurement.reliable)
          err(warningLine(`batch ${size} is not reliable: ${measurement.reasons.join('; ')}`, colors));
      if (output !== undefined) err(`all samples: ${output}\n`);
    });
  },
});
