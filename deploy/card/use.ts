import { completeDecoding, type Decoding } from '../../base/preprocess.js';
import { classification, type RowTask, type TaskType } from '../../base/task.js';
import type { ModelMetadata } from '../metadata.js';

/** The forms in which a model is exported. */
export const exportTargets = ['onnx', 'tfjs', 'web', 'tflite', 'c'] as const;
export type ExportTarget = (typeof exportTargets)[number];

/** A program that answers `image.jpg`, in the folder of the model. */
export interface Program {
  readonly language: 'python' | 'ts';
  readonly lines: readonly string[];
}

/** What a file answers: a row of outputs, or the boxes, centroids or mask of a file with the decoding inside. */
type Answered = RowTask | 'boxes' | 'centroids' | 'mask';

/** Null: only a file with the decoding inside answers in a form for short programs. */
const answers: { readonly [T in TaskType]: readonly [plain: Answered | null, decoded: Answered | null] } = {
  classification: ['classification', 'classification'],
  'multi-label': ['multi-label', 'multi-label'],
  regression: ['regression', 'regression'],
  detection: [null, 'boxes'],
  centroids: [null, 'centroids'],
  segmentation: [null, 'mask'],
};

/** What a program must know of a model. */
interface Used {
  readonly task: Answered;
  readonly input: readonly [height: number, width: number, channels: number];
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly decoding: Decoding;
}

/** Undefined for maps of a detector, and where the metadata do not say how an image becomes an input. */
function usedOf(
  { task = classification, input, mean, std, preprocess, ...metadata }: Partial<ModelMetadata>,
  decoded: boolean,
): Used | undefined {
  const { type } = task;
  const answered = answers[type][decoded ? 1 : 0];
  if (answered === null || metadata.nas_version === undefined) return undefined;
  if (!input || !mean || !std || !metadata.classes) return undefined;
  return { task: answered, input, mean, std, decoding: completeDecoding(preprocess) };
}

const pythonFilters: { readonly [R in Decoding['resampling']]: string } = {
  lanczos3: 'LANCZOS',
  mitchell: 'BICUBIC',
  cubic: 'BICUBIC',
  linear: 'BILINEAR',
};

const pythonFits: { readonly [F in Decoding['fit']]: (size: string, filter: string, background: string) => string } = {
  cover: (size, filter) => `ImageOps.fit(image, ${size}, ${filter})`,
  contain: (size, filter, background) => `ImageOps.pad(image, ${size}, ${filter}, "${background}")`,
  stretch: (size, filter) => `image.resize(${size}, ${filter})`,
};

/** The line that prints found boxes or centroids. @param numbers of each */
const pythonPlaces = (name: string): string =>
  `print([(names[k], score, place.tolist()) for place, score, k in zip(${name}[0], scores[0], labels[0]) if k >= 0])`;
const scriptPlaces = (name: string, numbers: number): string =>
  `labels.forEach((k, i) => k >= 0 && console.log(names[k], scores[i], ${name}.slice(${numbers} * i, ${numbers} * i + ${numbers})));`;

/** The line that prints the answer of `outputs` [1, n], and of the names of the outputs. */
const pythonAnswers: { readonly [T in Answered]: string } = {
  classification: 'print(names[outputs[0].argmax()])',
  'multi-label': 'print([name for name, logit in zip(names, outputs[0]) if logit > 0])',
  regression: 'print(dict(zip(names, outputs[0])))',
  boxes: pythonPlaces('boxes'),
  centroids: pythonPlaces('centroids'),
  mask: 'print({names[k]: int(count) for k, count in enumerate(numpy.bincount(mask.ravel())) if count > 0})',
};
const scriptAnswers: { readonly [T in Answered]: string } = {
  classification: 'console.log(names[outputs.indexOf(Math.max(...outputs))]);',
  'multi-label': 'console.log(names.filter((_, i) => outputs[i] > 0));',
  regression: 'console.log(Object.fromEntries(names.map((name, i) => [name, outputs[i]])));',
  boxes: scriptPlaces('boxes', 4),
  centroids: scriptPlaces('centroids', 2),
  mask: 'console.log(Object.fromEntries(names.map((name, k) => [name, mask.filter((own) => own === k).length])));',
};

const pythonOutputs: { readonly [T in Answered]: string } = {
  classification: 'outputs',
  'multi-label': 'outputs',
  regression: 'outputs',
  boxes: 'boxes, scores, labels',
  centroids: 'centroids, scores, labels',
  mask: 'mask',
};

const scriptFound = (name: string): readonly string[] => [
  `const [${name}, scores] = [found.${name}.data as Float32Array, found.scores.data as Float32Array];`,
  'const labels = Array.from(found.labels.data as BigInt64Array, Number);',
];

/** The lines that take the outputs of ONNX Runtime's `found`. */
const scriptOutputs: { readonly [T in Answered]: readonly string[] } = {
  classification: ['const outputs = found.logits.data as Float32Array;'],
  'multi-label': ['const outputs = found.logits.data as Float32Array;'],
  regression: ['const outputs = found.numbers.data as Float32Array;'],
  boxes: scriptFound('boxes'),
  centroids: scriptFound('centroids'),
  mask: ['const mask = found.mask.data as Uint8Array;'],
};

function pythonPixels({ input: [height, width, channels], mean, std, decoding }: Used): readonly string[] {
  const { fit, background, resampling } = decoding;
  const filter = `Image.Resampling.${pythonFilters[resampling]}`;
  return [
    `image = ImageOps.exif_transpose(Image.open("image.jpg")).convert("${channels === 1 ? 'L' : 'RGB'}")`,
    `image = ${pythonFits[fit](`(${width}, ${height})`, filter, background)}`,
    `pixels = (numpy.asarray(image).reshape(1, ${height}, ${width}, ${channels}) / 255 - ${JSON.stringify(mean)}) / ${JSON.stringify(std)}`,
  ];
}

const stretched: { readonly [F in Decoding['fit']]: string } = { cover: 'cover', contain: 'contain', stretch: 'fill' };

function scriptPixels({ input: [height, width, channels], mean, std, decoding }: Used): readonly string[] {
  const { fit, background, resampling } = decoding;
  const options = JSON.stringify({ fit: stretched[fit], background, kernel: resampling });
  const space = channels === 1 ? 'b-w' : 'srgb';
  return [
    `const image = sharp('image.jpg').rotate().flatten({ background: '${background}' }).resize(${width}, ${height}, ${options});`,
    `const bytes = await image.toColourspace('${space}').raw().toBuffer();`,
    `const [mean, std] = [${JSON.stringify(mean)}, ${JSON.stringify(std)}];`,
    `const pixels = Float32Array.from(bytes, (byte, i) => (byte / 255 - mean[i % ${channels}]) / std[i % ${channels}]);`,
  ];
}

const pythonNames = 'names = open("labels.txt", encoding="utf-8").read().splitlines()';
const scriptNames = `const names = readFileSync('labels.txt', 'utf8').trimEnd().split('\\n');`;

const python = (imports: readonly string[], used: Used, lines: readonly string[]): Program => ({
  language: 'python',
  lines: [...imports, 'from PIL import Image, ImageOps', '', pythonNames, ...pythonPixels(used), ...lines],
});

const script = (imports: readonly string[], used: Used, lines: readonly string[]): Program => ({
  language: 'ts',
  lines: [
    "import { readFileSync } from 'node:fs';",
    ...imports,
    "import sharp from 'sharp';",
    ...['', scriptNames, ...scriptPixels(used), ...lines],
  ],
});

/** Of a `.tflite` file whose inputs and outputs are bytes where `hasBytes`. */
function litePrograms(used: Used, hasBytes: boolean): readonly Program[] {
  const inPython = python(['import numpy', 'from ai_edge_litert.interpreter import Interpreter'], used, [
    'model = Interpreter("model.tflite")',
    'model.allocate_tensors()',
    '[input], [output] = model.get_input_details(), model.get_output_details()',
    ...(hasBytes
      ? [
          'scale, zero = input["quantization"]',
          'model.set_tensor(input["index"], numpy.clip(numpy.round(pixels / scale) + zero, -128, 127).astype("int8"))',
        ]
      : ['model.set_tensor(input["index"], pixels.astype("float32"))']),
    'model.invoke()',
    'outputs = model.get_tensor(output["index"])',
    ...(hasBytes
      ? ['outputs = (outputs.astype("float32") - output["quantization"][1]) * output["quantization"][0]']
      : []),
    pythonAnswers[used.task],
  ]);
  // LiteRT.js takes no files of bytes.
  if (hasBytes) return [inPython];
  const inScript = script(["import { loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core';"], used, [
    "await loadLiteRt('node_modules/@litertjs/core/wasm/');",
    "const model = await loadAndCompile(readFileSync('model.tflite'), { accelerator: 'wasm' });",
    `const [output] = await model.run([new Tensor(pixels, [1, ${used.input.join(', ')}])]);`,
    'const outputs = (await output.data()) as Float32Array;',
    scriptAnswers[used.task],
  ]);
  return [inPython, inScript];
}

const onnxPrograms = (used: Used): readonly Program[] => [
  python(['import numpy, onnxruntime'], used, [
    'session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])',
    `[${pythonOutputs[used.task]}] = session.run(None, {"input": pixels.astype("float32")})`,
    pythonAnswers[used.task],
  ]),
  script(["import { InferenceSession, Tensor } from 'onnxruntime-node';"], used, [
    "const session = await InferenceSession.create('model.onnx');",
    `const found = await session.run({ input: new Tensor('float32', pixels, [1, ${used.input.join(', ')}]) });`,
    ...scriptOutputs[used.task],
    scriptAnswers[used.task],
  ]),
];

const tfjsImports = [
  "import '@tensorflow/tfjs-backend-cpu';",
  "import * as tf from '@tensorflow/tfjs-core';",
  "import { loadLayersModel } from '@tensorflow/tfjs-layers';",
];
const tfjsPrograms = (used: Used): readonly Program[] => [
  script(tfjsImports, used, [
    "const { modelTopology, weightsManifest } = JSON.parse(readFileSync('model.json', 'utf8'));",
    "const weightData = new Uint8Array(readFileSync('weights.bin')).buffer;",
    'const artifacts = { modelTopology, weightSpecs: weightsManifest[0].weights, weightData };',
    'const model = await loadLayersModel(tf.io.fromMemory(artifacts));',
    `const outputs = (model.predict(tf.tensor(pixels, [1, ${used.input.join(', ')}])) as tf.Tensor).dataSync();`,
    scriptAnswers[used.task],
  ]),
];

/** Pages and C bring their own. */
const programs: { readonly [T in ExportTarget]: (used: Used, hasBytes: boolean) => readonly Program[] } = {
  onnx: onnxPrograms,
  tflite: litePrograms,
  tfjs: tfjsPrograms,
  web: () => [],
  c: () => [],
};

/** Programs that use an exported model; none for maps of detectors. */
export function programsFor(
  target: ExportTarget,
  metadata: Partial<ModelMetadata>,
  { hasBytes, decoded }: { readonly hasBytes: boolean; readonly decoded: boolean },
): readonly Program[] {
  const used = usedOf(metadata, decoded);
  return used === undefined ? [] : programs[target](used, hasBytes);
}
