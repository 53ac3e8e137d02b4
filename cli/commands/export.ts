import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { collectFrontier } from '../../experiments/report/index.js';
import type { Store } from '../../store/index.js';
import { command, jsonOption } from '../command.js';
import { withRun } from '../open-run.js';
import { json } from '../output/table.js';

const targets = ['onnx', 'tfjs'] as const;
type Target = (typeof targets)[number];

interface Source {
  readonly store: Store;
  readonly workdir: string;
  readonly trial: number;
}

/** The file that the run itself wrote and checked, where there is one; it is a member of the frontier then. */
function writtenModel({ store, workdir, trial }: Source): Uint8Array | undefined {
  const file = store.artifacts.all().findLast((artifact) => artifact.trial === trial && artifact.kind === 'onnx');
  return file && readFileSync(join(workdir, file.path));
}

async function toOnnx(source: Source, directory: string): Promise<void> {
  const { checkExport, exportOnnx, modelMetadataSchema, readMetadata, writeBundle } =
    await import('../../deploy/index.js');
  const written = writtenModel(source);
  if (written !== undefined) {
    writeBundle(directory, written, modelMetadataSchema.parse(readMetadata(written)));
    return;
  }
  const { trainedModel } = await import('../../experiments/index.js');
  const { model, metadata } = await trainedModel(source.store, source.workdir, source.trial);
  const bytes = exportOnnx(model, metadata);
  await checkExport(bytes, model);
  writeBundle(directory, bytes, metadata);
}

async function toTfjs({ store, workdir, trial }: Source, directory: string): Promise<void> {
  const { exportTfjs } = await import('../../deploy/index.js');
  const { trainedModel } = await import('../../experiments/index.js');
  const { model, metadata } = await trainedModel(store, workdir, trial);
  await exportTfjs(model, metadata, directory);
}

const exporters: { readonly [T in Target]: (source: Source, directory: string) => Promise<void> } = {
  onnx: toOnnx,
  tfjs: toTfjs,
};

function chosen(store: Store, trial: number | undefined, wholeFrontier: boolean): number[] {
  if (trial !== undefined) return [trial];
  if (!wholeFrontier)
    throw invalidInput('which networks? give --trial N, or --pareto for the whole frontier', {
      hint: 'nas export --help',
    });
  const members = collectFrontier(store).map(({ number }) => number);
  if (members.length === 0) throw invalidInput('there is no frontier to export: no trial is complete yet');
  return members;
}

export const exportTrials = command({
  usage: 'export <workdir>',
  summary: 'Write trained networks for use elsewhere, with class names and normalisation',
  examples: [
    ['export runs/quickstart --pareto --to onnx -o models', 'models/trial-<n>/model.onnx, metadata.json, labels.txt'],
    ['export runs/quickstart --trial 7 --to tfjs -o web/model', 'web/model/model.json for tf.loadLayersModel'],
  ],
  options: (yargs) =>
    yargs
      .positional('workdir', { type: 'string', demandOption: true, describe: "A run's folder" })
      .option('trial', { type: 'number', describe: 'Number of one trial' })
      .option('pareto', { type: 'boolean', describe: 'All networks of the frontier' })
      .conflicts('trial', 'pareto')
      .option('to', { choices: targets, demandOption: true, describe: 'File format' })
      .option('output', { alias: 'o', type: 'string', demandOption: true, describe: 'Folder to write to' })
      .option('json', jsonOption),
  run: ({ workdir, trial, pareto = false, to, output, json: asJson }, { out, err }) =>
    withRun(workdir, async (store) => {
      const written: { trial: number; directory: string }[] = [];
      for (const number of chosen(store, trial, pareto)) {
        const directory = trial === undefined ? join(output, `trial-${number}`) : output;
        await exporters[to]({ store, workdir, trial: number }, directory);
        written.push({ trial: number, directory });
        if (!asJson) err(`trial ${number}: ${directory}\n`);
      }
      if (asJson) out(json(written));
    }),
});
