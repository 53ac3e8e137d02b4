import { join } from 'node:path';
import { invalidInput } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import type { ExportTarget } from '../deploy/card/use.js';
// Types only: the modules load TF.js.
import type { EdgeExportOptions, EdgeTarget, ModelMetadata } from '../deploy/index.js';
import type { ExportedOnnx, ExportSource, WeightFormat } from '../runner/exporting/index.js';
import type { Store, StoredPrecision } from '../store/index.js';
import type { Terminal } from './output/terminal.js';
import { createCounter } from './progress/counter.js';

/** Targets that are made of an ONNX file. */
export const edgeTargets = ['tflite', 'c'] as const satisfies readonly EdgeTarget[];
export type EdgeOptions = Omit<EdgeExportOptions, 'directory'>;

/** A network of a run, and how it is written. */
export interface Wanted extends EdgeOptions {
  readonly source: ExportSource;
  readonly precision: StoredPrecision;
  /** Whether only this precision is wanted, and not the run's other one beside it. */
  readonly isAlone: boolean;
  readonly weights: WeightFormat;
  readonly directory: string;
  /** Whether the file of a detector gives boxes instead of maps. */
  readonly decoded: boolean;
}

/** The model that a target's files hold. */
type Written = Pick<ExportedOnnx, 'metadata' | 'float' | 'tested'> & { readonly warnings: readonly string[] };

type Exporter = (store: Store, workdir: string, wanted: Wanted, terminal: Terminal) => Promise<Written>;

/** Creates and writes the ONNX file of a network, with progress. */
const onnxWriter =
  (write: (file: ExportedOnnx, wanted: Wanted) => Promise<void>, runs?: 'exactly'): Exporter =>
  async (store, workdir, wanted, terminal) => {
    const { source, precision, weights } = wanted;
    const { onnxFile } = await import('../runner/exporting/index.js');
    const counter = createCounter(terminal);
    const warnings: string[] = [];
    const file = await onnxFile(store, workdir, source, {
      precision,
      weights,
      ...(runs && { runs }),
      onProgress: (what, done, total) => counter.show(`trial ${source.number}: ${what}`)(done, total),
      onWarning: (message) => void warnings.push(message),
    }).finally(counter.close);
    await write(file, wanted);
    return { ...file, warnings };
  };

const toOnnx = onnxWriter(async ({ model, metadata }, { directory, decoded, source }) => {
  const { withDecoding, writeBundle } = await import('../deploy/index.js');
  writeBundle(directory, decoded ? withDecoding(model, `trial ${source.number}`) : model, metadata);
});

const toWeb = onnxWriter(async ({ model, metadata }, { directory, source, precision, isAlone }) => {
  const { exportWeb } = await import('../deploy/index.js');
  const { describedFile } = await import('../runner/exporting/index.js');
  const other = isAlone ? undefined : source.written(precision === 'int8' ? 'fp32' : 'int8');
  await exportWeb(model, metadata, directory, other === undefined ? [] : [describedFile(other)]);
});

const toTfjs: Exporter = async (store, _workdir, { source, directory }) => {
  const { exportTfjs } = await import('../deploy/index.js');
  const { testedBy } = await import('../runner/exporting/index.js');
  const { model, metadata } = await source.trained();
  await exportTfjs(model, metadata, directory);
  return { metadata, tested: testedBy(store, source.number, 'fp32'), warnings: [] };
};

const toEdge = (target: EdgeTarget): Exporter =>
  onnxWriter(async ({ model }, wanted) => {
    const { edgeExporters } = await import('../deploy/index.js');
    edgeExporters[target](model, `trial ${wanted.source.number}`, wanted);
  }, 'exactly');

/** Writes a network of a run. */
export const exporters: { readonly [T in ExportTarget]: Exporter } = {
  onnx: toOnnx,
  tfjs: toTfjs,
  web: toWeb,
  tflite: toEdge('tflite'),
  c: toEdge('c'),
};

export const isEdge = (to: ExportTarget): to is EdgeTarget => (edgeTargets as readonly string[]).includes(to);

/**
 * Writes a model in another form: of any program as ONNX and for phones and microcontrollers, of nas for browsers.
 * @returns the metadata of what it wrote
 */
export async function writeModel(
  file: string,
  to: ExportTarget,
  directory: string,
  { decoded, ...options }: EdgeOptions & Pick<Wanted, 'decoded'>,
): Promise<Partial<ModelMetadata>> {
  const { classifierFile } = await import('../compiler/index.js');
  const {
    edgeExporters,
    exportTfjs,
    exportWeb,
    modelMetadataSchema,
    readMetadata,
    readExport,
    withDecoding,
    writeFacts,
  } = await import('../deploy/index.js');
  const model = await classifierFile(file);
  const found = readMetadata(model);
  if (to === 'onnx') {
    writeFileAtomic(join(directory, 'model.onnx'), decoded ? withDecoding(model, file) : model);
    writeFacts(directory, found);
    return found;
  }
  if (isEdge(to)) return edgeExporters[to](model, file, { ...options, directory });
  const { data: metadata } = modelMetadataSchema.safeParse(found);
  if (metadata === undefined)
    throw invalidInput(`${file} is not of nas: it lacks the class names or the normalisation that --to ${to} needs`, {
      hint: 'Give a file of nas shrink or the folder of a run; --to tflite and --to c write any ONNX file.',
    });
  await (to === 'web'
    ? exportWeb(model, metadata, directory)
    : exportTfjs((await readExport(file)).model, metadata, directory));
  return metadata;
}
