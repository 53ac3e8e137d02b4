import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { usualThreshold } from '../../base/detections.js';
import { invalidInput } from '../../base/errors.js';
import { classification, isBoxTask, type TaskType } from '../../base/task.js';
import { mainScores, scoreText } from '../../base/scores.js';
import { completeDecoding } from '../../base/preprocess.js';
import { packageRoot } from '../../base/processes.js';
import { writeFileAtomic } from '../../base/files.js';
import { webRuntime } from '../../base/modules.js';
import { titleOf } from '../card/front.js';
import { writeCompressed } from '../export.js';
import type { ModelMetadata } from '../metadata.js';

/** The page's files in the package. */
const pageFolder = join(packageRoot(fileURLToPath(import.meta.url)), 'deploy', 'web', 'page');

/** Metadata that the page needs; names of layers and the history of the model stay private. */
const factsOf = ({
  classes,
  task = classification,
  input,
  mean,
  std,
  preprocess,
  accuracy,
  experiment,
  trial,
  detection,
  segmentation,
}: ModelMetadata) => ({
  classes,
  task: task.type,
  input,
  mean,
  std,
  preprocess: completeDecoding(preprocess),
  ...(accuracy !== undefined && { accuracy }),
  ...(experiment !== undefined && { experiment }),
  ...(trial !== undefined && { trial }),
  ...(detection !== undefined && { detection: { thresholds: classes.map(() => usualThreshold), ...detection } }),
  ...(segmentation !== undefined && { segmentation }),
});

/** The module of the page that reads maps, and what it makes of them; null for other networks. */
const readerOf = (type: TaskType | undefined) => {
  if (type === 'segmentation')
    return { kind: 'a segmenter', file: 'segment.js', key: type, what: 'classes of pixels' } as const;
  return isBoxTask(type) ? ({ kind: 'a detector', file: 'detect.js', key: 'detection', what: 'boxes' } as const) : null;
};

const mostNames = 20;

/** A model in one precision. */
interface WebModel {
  readonly model: Uint8Array;
  readonly metadata: ModelMetadata;
}

const nameOf = ({ precision }: ModelMetadata): string => (precision === 'int8' ? 'int8' : 'float32');

/** What the network answers, and how well: `Knows cat, dog. Its accuracy on test images: float32 86.5 %, int8 85.9 %.` */
function aboutOf(models: readonly WebModel[]): string {
  const [{ classes, task: { type } = classification }] = models.map(({ metadata }) => metadata);
  const names = classes.slice(0, mostNames).join(', ');
  const more = classes.length > mostNames ? ` and ${classes.length - mostNames} more` : '';
  const scores = models.flatMap(({ metadata }) => {
    const score = metadata.accuracy?.test;
    return score === undefined ? [] : `${nameOf(metadata)} ${scoreText(type, score)}`;
  });
  const how = scores.length === 0 ? '' : ` Its ${mainScores[type].title} on test images: ${scores.join(', ')}.`;
  return `Knows ${names}${more}.${how}`;
}

/** `model.onnx` with 64 bits of its content's SHA-256: `model.0123456789abcdef.onnx`. */
const hashed = (name: string, content: Uint8Array): string =>
  name.replace(/(?=\.\w+$)/, `.${createHash('sha256').update(content).digest('hex').slice(0, 16)}`);

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character]);

/**
 * Writes a folder that any server of static files can serve: a page that answers images in the browser, on
 * onnxruntime-web. All files except the page and its service worker have a content hash in their names, so that browsers
 * and CDNs can cache them forever; they are also written in compressed form (`.br`, `.gz`).
 * The page answers a camera, too, and switches between the models.
 * @param model of this package: NHWC, one output of logits or numbers, or the maps of a detector or segmenter
 * @param others the same network in other precisions
 * @throws NasError `invalid-input` when onnxruntime-web is not installed, or the metadata does not say how maps are read.
 */
export async function exportWeb(
  model: Uint8Array,
  metadata: ModelMetadata,
  directory: string,
  others: readonly WebModel[] = [],
): Promise<void> {
  const runtime = webRuntime('nas export --to web');
  const reader = readerOf(metadata.task?.type);
  if (reader !== null && metadata[reader.key] === undefined)
    throw invalidInput(`the model is ${reader.kind}, but the key '${reader.key}' of its metadata is missing`, {
      hint: `It says how the outputs become ${reader.what}. Export the model again.`,
    });
  const own = (name: string): Buffer => readFileSync(join(pageFolder, name));
  /** Files by the placeholders of their names in the page. */
  const files: Readonly<Record<string, readonly [name: string, content: Uint8Array]>> = {
    'style.css': ['style.css', own('style.css')],
    'classify.js': ['classify.js', own('classify.js')],
    'page.js': ['page.js', own('page.js')],
    ...(reader !== null && { [reader.file]: [reader.file, own(reader.file)] as const }),
    runtime: ['ort.mjs', readFileSync(join(runtime, 'ort.wasm.bundle.min.mjs'))],
    wasm: ['ort.wasm', readFileSync(join(runtime, 'ort-wasm-simd-threaded.wasm'))],
  };
  const write = async (name: string, content: Uint8Array): Promise<string> => {
    await writeCompressed(join(directory, hashed(name, content)), content);
    return hashed(name, content);
  };
  const models = [{ model, metadata }, ...others];
  const choices = [];
  for (const one of models) {
    const facts = Buffer.from(JSON.stringify(factsOf(one.metadata)));
    const names = { model: await write('model.onnx', one.model), facts: await write('facts.json', facts) };
    choices.push({ name: nameOf(one.metadata), ...names });
  }
  const places = new Map([
    ['title', titleOf(metadata)],
    ['about', aboutOf(models)],
    ['model', choices[0].model],
    ['models', JSON.stringify(choices)],
  ]);
  for (const [place, [name, content]] of Object.entries(files)) places.set(place, await write(name, content));
  writeFileAtomic(join(directory, 'service-worker.js'), own('service-worker.js'));
  // Last, so that the files that the new page names exist.
  const page = own('index.html').toString('utf8');
  writeFileAtomic(
    join(directory, 'index.html'),
    page.replace(/\{\{([\w.]+)\}\}/g, (_, place: string) => escaped(places.get(place) ?? '')),
  );
}
