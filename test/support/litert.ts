import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileFunction } from 'node:vm';
import { describe } from 'vitest';

const require = createRequire(import.meta.url);

/** Where the package keeps its WebAssembly; undefined where it is not installed. */
const wasm = ((): string | undefined => {
  const folder = fileURLToPath(new URL('../../node_modules/@litertjs/core/wasm/', import.meta.url));
  return existsSync(folder) ? folder : undefined;
})();

/** Tests that run `.tflite` files in LiteRT; skipped with a message where the package is missing. */
export function describeWithLiteRt(name: string, tests: () => void): void {
  if (wasm === undefined) describe.skip(`${name} (skipped: npm install @litertjs/core)`, tests);
  else describe(name, tests);
}

type LiteRt = typeof import('@litertjs/core');

/** Globals of a worker in a browser, which the package expects; other tests of the process must not see them. */
async function asInWorker<T>(importScripts: (url: string) => void, load: () => Promise<T>): Promise<T> {
  // Without these, notes about accelerators are printed.
  const Module = { print: () => undefined, printErr: () => undefined };
  const added = { self: globalThis, importScripts, Module };
  const { warn } = console;
  Object.assign(globalThis, added);
  // It warns that there is no graphics card.
  console.warn = () => undefined;
  try {
    return await load();
  } finally {
    console.warn = warn;
    for (const name of Object.keys(added)) Reflect.deleteProperty(globalThis, name);
  }
}

/** Runs what loads LiteRT.js in Node: the package as published, which loads its code as a worker in a browser does. */
export async function withLiteRt<T>(load: () => Promise<T>): Promise<T> {
  const importScripts = (file: string): void => {
    const source = `${readFileSync(file, 'utf8')}\nreturn ModuleFactory;`;
    const names = ['require', '__filename', '__dirname'];
    const made = compileFunction(source, names, { filename: file }) as (...values: readonly unknown[]) => unknown;
    Object.assign(globalThis, { ModuleFactory: made(require, file, dirname(file)) });
  };
  const result = await asInWorker(importScripts, load);
  Reflect.deleteProperty(globalThis, 'ModuleFactory');
  return result;
}

async function load(folder: string): Promise<LiteRt> {
  const core = await import('@litertjs/core');
  await withLiteRt(() => core.loadLiteRt(folder));
  return core;
}

let loaded: Promise<LiteRt> | undefined;

/** As `withLiteRt`, for a program that loads LiteRT itself: another test file of the process may have loaded it. */
export async function withOwnLiteRt<T>(program: () => Promise<T>): Promise<T> {
  const { unloadLiteRt } = await import('@litertjs/core');
  unloadLiteRt();
  loaded = undefined;
  const result = await withLiteRt(program);
  unloadLiteRt();
  return result;
}

/** A `.tflite` file in LiteRT. */
export interface LiteRtModel {
  /** Outputs for one image [1, height, width, channels], by name. */
  readonly run: (image: Float32Array) => Promise<ReadonlyMap<string, Float32Array>>;
  readonly close: () => void;
}

export async function openLiteRt(file: Uint8Array): Promise<LiteRtModel> {
  if (wasm === undefined) throw new Error('@litertjs/core is not installed');
  loaded ??= load(wasm);
  const { loadAndCompile, Tensor } = await loaded;
  const model = await loadAndCompile(file, { accelerator: 'wasm' });
  const [{ shape }] = model.getInputDetails();
  const names = model.getOutputDetails().map(({ name }) => name);
  return {
    async run(image) {
      const input = new Tensor(image, [...shape]);
      const outputs = await model.run([input]);
      const values = await Promise.all(
        outputs.map(async (output, i) => [names[i], Float32Array.from((await output.data()) as Float32Array)] as const),
      );
      for (const tensor of [input, ...outputs]) tensor.delete();
      return new Map(values);
    },
    close: () => model.delete(),
  };
}
