import { execFileSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { runOnnx } from '../../../compiler/index.js';
import {
  edgeExporters,
  exportOnnx,
  exportTfjs,
  modelCard,
  renderCard,
  withDecoding,
  writeBundle,
  type ExportTarget,
} from '../../../deploy/index.js';
import { Random } from '../../../base/random.js';
import { blocksOf } from '../../docs/recipe-blocks.js';
import { picture } from '../../serve/images/pictures.js';
import { detectorMetadata, randomDetector } from '../../support/detector-files.js';
import { describeWithLiteRt, withOwnLiteRt } from '../../support/litert.js';
import { sharedFolder } from '../../support/temporary.js';
import { tinyStudent } from '../../trainers/support/networks.js';
import { floatEdge, metadataFor, shaken } from '../support/classifiers.js';

const folder = sharedFolder();
const network = { ...tinyStudent({ classes: 5 }), input: [12, 10, 3] } as const;
const model = shaken(network);
const metadata = metadataFor(network.input, ['ant', 'bee', 'cow', 'dog', 'eel'], { network, trial: 7 });
const onnx = exportOnnx(model, metadata);
const images = Array.from({ length: 10 }, (_, i) => join(folder, `${i}.png`));
let expected: readonly string[] = [];

/** Blotches of one colour, of the size of the input: programs resize in their own ways. */
async function drawn(seed: number): Promise<Uint8Array> {
  const random = new Random(seed, 'image');
  const colour = [0, 1, 2].map(() => 255 * random.uniform());
  const pixels = Uint8Array.from({ length: 12 * 10 * 3 }, (_, i) => (random.uniform() < 0.3 ? 128 : colour[i % 3]));
  await sharp(pixels, { raw: { width: 10, height: 12, channels: 3 } })
    .png()
    .toFile(images[seed]);
  return pixels;
}

beforeAll(async () => {
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  expected = await Promise.all(
    images.map(async (_, i) => {
      const { mean, std, classes } = metadata;
      const pixels = Float32Array.from(await drawn(i), (byte, at) => (byte / 255 - mean[at % 3]) / std[at % 3]);
      const outputs = await runOnnx(onnx, 'the model', pixels, [1, 12, 10, 3]);
      return classes[outputs.indexOf(Math.max(...outputs))];
    }),
  );
});
afterEach(() => vi.restoreAllMocks());

/** The program of a card in a language, over all images. */
function programOf(
  target: ExportTarget,
  language: 'python' | 'ts',
  own = { metadata, decoded: false, images },
): string {
  const facts = { target, hasBytes: false, commands: [], metadata: own.metadata, decoded: own.decoded };
  const text = blocksOf(renderCard(modelCard(facts))).find((block) => block.language === language)?.text ?? '';
  // Files are beside the card.
  const there = text.replace(
    /(['"])([\w.]+\.(?:onnx|tflite|json|bin|txt))\1/g,
    (_, quote: string, name: string) => quote + join(folder, target, name) + quote,
  );
  const lines = there.split('\n');
  const last = lines.findLastIndex((line) => /^(?:import|from) /.test(line)) + 1;
  // LiteRT.js is loaded once.
  const isLoading = (line: string): boolean => line.startsWith('await loadLiteRt');
  const [head, rest] = [
    [...lines.slice(0, last), ...lines.filter(isLoading)],
    lines.slice(last).filter((line) => !isLoading(line)),
  ];
  const list = JSON.stringify(own.images);
  const body = rest.map((line) => `  ${line.replace(/(['"])image\.jpg\1/, 'path')}`);
  const loop =
    language === 'python' ? [`for path in ${list}:`, ...body] : [`for (const path of ${list}) {`, ...body, '}'];
  return [...head, ...loop, ''].join('\n');
}

function answersOfPython(target: ExportTarget, own?: Parameters<typeof programOf>[2]): readonly string[] {
  const file = join(folder, `${target}.py`);
  writeFileSync(file, programOf(target, 'python', own));
  return execFileSync('/usr/bin/python3', [file], { encoding: 'utf8', stdio: 'pipe' }).trim().split('\n');
}

async function answersOfScript(
  target: ExportTarget,
  own?: Parameters<typeof programOf>[2],
): Promise<readonly string[]> {
  const file = join(folder, `${target}-${own?.metadata.task?.type ?? 'classes'}.ts`);
  writeFileSync(file, programOf(target, 'ts', own));
  const found: string[] = [];
  vi.spyOn(console, 'log').mockImplementation(
    (...values: readonly unknown[]) => void found.push(values.map(String).join(' ')),
  );
  await import(pathToFileURL(file).href);
  return found;
}

const hasPython = (...modules: readonly string[]): boolean => {
  try {
    execFileSync('/usr/bin/python3', ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

it('the images are of several classes', () => expect(new Set(expected).size).toBeGreaterThan(2));

describe('the programs of a card give the class of ten images', () => {
  it.skipIf(!hasPython('onnxruntime', 'numpy', 'PIL'))('of ONNX in Python', () => {
    writeBundle(join(folder, 'onnx'), onnx, metadata);
    expect(answersOfPython('onnx')).toEqual(expected);
  });

  it('of ONNX in TypeScript', async () => {
    writeBundle(join(folder, 'onnx'), onnx, metadata);
    expect(await answersOfScript('onnx')).toEqual(expected);
  });

  it('of TF.js in TypeScript', async () => {
    await exportTfjs(model, metadata, join(folder, 'tfjs'));
    expect(readFileSync(join(folder, 'tfjs', 'labels.txt'), 'utf8').split('\n')[0]).toBe('ant');
    expect(await answersOfScript('tfjs')).toEqual(expected);
  });
});

describe.each(['boxes', 'centroids'])('the programs of a detector of %s with its decoding inside', (kind) => {
  const detector = randomDetector(kind === 'centroids' ? { head: { centroids: true } } : {});
  const own = {
    metadata: detectorMetadata(detector, { detection: { stride: 4, most: 20, overlap: 0.3, thresholds: [0.5, 0.6] } }),
    decoded: true,
    // Of the size of the input, as Pillow and sharp resize in their own ways.
    images: [join(folder, 'photo.png')],
  };
  beforeAll(async () => {
    writeBundle(join(folder, 'onnx'), withDecoding(exportOnnx(detector, own.metadata), 'the detector'), own.metadata);
    await picture({ width: 36, height: 24 }).png().toFile(own.images[0]);
  });

  it.skipIf(!hasPython('onnxruntime', 'numpy', 'PIL'))('find the same in both languages', async () => {
    const found = await answersOfScript('onnx', own);
    const [names, scores] = [(text: string) => text.split(' ')[0], (text: string) => Number(text.split(' ')[1])];
    const other = answersOfPython('onnx', own).flatMap(
      (line) => line.match(/\('[^']+', (?:np\.float32\()?[\d.]+/g) ?? [],
    );
    expect(found.length).toBeGreaterThan(2);
    expect(other.map((text) => text.split("'")[1])).toEqual(found.map(names));
    const apart = other.map((text, i) => Math.abs(Number(/[\d.]+$/.exec(text)?.[0]) - scores(found[i])));
    expect(Math.max(...apart)).toBeLessThan(1e-4);
  });
});

describe('the programs of a segmenter with its decoding inside', () => {
  const segmenter = randomDetector({ head: { segmentation: true } });
  const own = { metadata: detectorMetadata(segmenter), decoded: true, images: [join(folder, 'tile.png')] };
  beforeAll(async () => {
    writeBundle(join(folder, 'onnx'), withDecoding(exportOnnx(segmenter, own.metadata), 'x'), own.metadata);
    await picture({ width: 36, height: 24 }).png().toFile(own.images[0]);
  });

  it.skipIf(!hasPython('onnxruntime', 'numpy', 'PIL'))(
    'count the same pixels of each class in both languages',
    async () => {
      const log = vi.spyOn(console, 'log');
      await answersOfScript('onnx', own);
      const counts = log.mock.lastCall?.[0] as Readonly<Record<string, number>>;
      expect(Object.values(counts).reduce((a, b) => a + b)).toBe(36 * 24);
      const python = JSON.parse(answersOfPython('onnx', own)[0].replaceAll("'", '"')) as typeof counts;
      expect({ square: 0, disc: 0, ...python }).toEqual(counts);
    },
  );
});

describeWithLiteRt('the programs of the card of a .tflite file give the class of ten images', () => {
  const written = () => edgeExporters.tflite(onnx, 'the model', floatEdge(join(folder, 'tflite')));

  it('in TypeScript', async () => {
    written();
    expect(await withOwnLiteRt(() => answersOfScript('tflite'))).toEqual(expected);
  });

  it.skipIf(!hasPython('ai_edge_litert', 'numpy', 'PIL'))('in Python', () => {
    written();
    expect(answersOfPython('tflite')).toEqual(expected);
  });
});
