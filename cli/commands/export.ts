import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { collectFrontier } from '../../experiments/report/index.js';
import type { TrainedModel } from '../../experiments/trained-model.js';
import type { Store } from '../../store/index.js';
import { command, jsonOption } from '../command.js';
import { withRun } from '../open-run.js';
import { json } from '../output/table.js';

const targets = ['onnx', 'tfjs'] as const;
type Target = (typeof targets)[number];

/** A trained network to export. */
interface Source {
  /** `trial 7`, `shrunk 0`: also the name of its folder among others. */
  readonly kind: 'trial' | 'shrunk';
  readonly number: number;
  /** The file that the run itself wrote and checked, where there is one. */
  readonly written: Uint8Array | undefined;
  readonly trained: () => Promise<TrainedModel>;
}

/** The file that a run wrote of a network. */
function writtenModel(store: Store, workdir: string, kind: Source['kind'], number: number): Uint8Array | undefined {
  const file = store.artifacts.all().findLast((artifact) => artifact[kind] === number && artifact.kind === 'onnx');
  return file && readFileSync(join(workdir, file.path));
}

const sourceOf = (store: Store, workdir: string, kind: Source['kind'], number: number): Source => ({
  kind,
  number,
  written: writtenModel(store, workdir, kind, number),
  async trained() {
    const { shrunkModel, trainedModel } = await import('../../experiments/index.js');
    return (kind === 'trial' ? trainedModel : shrunkModel)(store, workdir, number);
  },
});

async function toOnnx({ written, trained }: Source, directory: string): Promise<void> {
  const { checkExport, exportOnnx, modelMetadataSchema, readMetadata, writeBundle } =
    await import('../../deploy/index.js');
  if (written !== undefined) {
    writeBundle(directory, written, modelMetadataSchema.parse(readMetadata(written)));
    return;
  }
  const { model, metadata } = await trained();
  const bytes = exportOnnx(model, metadata);
  await checkExport(bytes, model);
  writeBundle(directory, bytes, metadata);
}

async function toTfjs({ trained }: Source, directory: string): Promise<void> {
  const { exportTfjs } = await import('../../deploy/index.js');
  const { model, metadata } = await trained();
  await exportTfjs(model, metadata, directory);
}

const exporters: { readonly [T in Target]: (source: Source, directory: string) => Promise<void> } = {
  onnx: toOnnx,
  tfjs: toTfjs,
};

interface Choice {
  readonly trial: number | undefined;
  readonly shrunk: number | undefined;
  readonly pareto: boolean;
}

function chosen(store: Store, workdir: string, { trial, shrunk, pareto }: Choice): Source[] {
  if (trial !== undefined) return [sourceOf(store, workdir, 'trial', trial)];
  if (shrunk !== undefined) return [sourceOf(store, workdir, 'shrunk', shrunk)];
  if (!pareto)
    throw invalidInput('which networks? give --trial N, --shrunk N, or --pareto for the whole frontier', {
      hint: 'nas export --help',
    });
  const members = collectFrontier(store).map(({ number }) => sourceOf(store, workdir, 'trial', number));
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
      .option('shrunk', { type: 'number', describe: 'Number of a network that nas shrink made' })
      .conflicts({ trial: ['pareto', 'shrunk'], shrunk: 'pareto' })
      .option('to', { choices: targets, demandOption: true, describe: 'File format' })
      .option('output', { alias: 'o', type: 'string', demandOption: true, describe: 'Folder to write to' })
      .option('json', jsonOption),
  run: ({ workdir, trial, shrunk, pareto = false, to, output, json: asJson }, { out, err }) =>
    withRun(workdir, async (store) => {
      const written: Record<string, unknown>[] = [];
      for (const source of chosen(store, workdir, { trial, shrunk, pareto })) {
        const { kind, number } = source;
        const directory = pareto ? join(output, `${kind}-${number}`) : output;
        await exporters[to](source, directory);
        written.push({ [kind]: number, directory });
        if (!asJson) err(`${kind} ${number}: ${directory}\n`);
      }
      if (asJson) out(json(written));
    }),
});
