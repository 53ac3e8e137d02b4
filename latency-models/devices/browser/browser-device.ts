import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Browser, ConsoleMessage, Page as BrowserPage } from 'playwright-core';
import { invalidInput, messageOf, NasError } from '../../../base/errors.js';
import { webRuntime, webRuntimeVersion } from '../../../base/modules.js';
import {
  executedElsewhere,
  integerArithmetic,
  isFloat32,
  tinyModel,
  type IntegerArithmetic,
} from '../../../compiler/index.js';
import {
  DeviceUnavailable,
  measureOne,
  modelOf,
  type Device,
  type Environment,
  type Measurable,
  type Measurement,
  type MeasureOptions,
  type Protocol,
} from '../../device.js';
import { describeEnvironment, familyProcessorTime } from '../../machine.js';
import { measureSideBySide, type OpenSubject } from '../../measure-side-by-side.js';
import { defaultProtocol, type Block } from '../../protocol.js';
import type { BrowserConfig } from '../../schema.js';
import { inputAtBatch, labelHere, labelled, type Label } from '../onnx-model.js';
import { servePage } from './page-server.js';
import type { Page } from './page.js';

/** @throws NasError `invalid-input` when playwright-core is not installed. */
async function playwright(): Promise<typeof import('playwright-core')> {
  try {
    return await import('playwright-core');
  } catch (cause) {
    throw invalidInput('the browser device needs the package playwright-core', {
      hint: 'npm install onnxruntime-web playwright-core',
      cause,
    });
  }
}

/** Calls a function of the page with plain data. */
async function ask<N extends keyof Page>(
  page: BrowserPage,
  name: N,
  ...args: Parameters<Page[N]>
): Promise<Awaited<ReturnType<Page[N]>>> {
  return page.evaluate<Awaited<ReturnType<Page[N]>>>(`nas.${name}(...${JSON.stringify(args)})`);
}

/**
 * A headless browser with onnxruntime-web on WebAssembly or WebGPU. The page is isolated, so that its clock is exact and
 * WebAssembly has threads. Each measurement starts a browser of its own.
 */
export class BrowserDevice implements Device {
  readonly name: string;
  private readonly executable: string;

  /** @throws NasError `invalid-input` when there is no browser. */
  constructor(private readonly config: BrowserConfig) {
    const { provider, threads, batch } = config;
    this.executable = findBrowser(config.executable);
    this.name = `browser/${provider}/${threads} thread${threads === 1 ? '' : 's'}/batch ${batch}`;
  }

  async measureAll(
    subjects: readonly Measurable[],
    protocol: Protocol = defaultProtocol,
    options: MeasureOptions = {},
  ): Promise<Measurement[]> {
    if (subjects.length === 0) return [];
    const server = await servePage(this.config.provider, async (index) => {
      const subject = subjects.at(index);
      return subject && modelOf(subject);
    });
    try {
      return await this.withPage(server.address, async (page, version) => {
        const environment = this.environment(version);
        const open = subjects.map((subject, index) => () => this.open(page, subject, index));
        return measureSideBySide({ open, environment, processorTime: familyProcessorTime }, protocol, options);
      });
    } finally {
      await server.close();
    }
  }

  integers(): Promise<IntegerArithmetic> {
    const close = (): Promise<void> => Promise.resolve();
    return integerArithmetic((model) =>
      Promise.resolve({ run: (values, shape) => this.compute(model, values, shape), close }),
    );
  }

  /** Runs a model in a page of its own. */
  private async compute(model: Uint8Array, values: Float32Array, shape: readonly number[]): Promise<Float32Array> {
    const server = await servePage(this.config.provider, () => Promise.resolve(model));
    try {
      return await this.withPage(server.address, async (page) => {
        await this.runnable(page, () => ask(page, 'open', 0, this.config));
        return Float32Array.from(await this.runnable(page, () => ask(page, 'compute', 0, [...values], shape)));
      });
    } finally {
      await server.close();
    }
  }

  private environment(version: string): Environment {
    const environment = describeEnvironment(this.name, this.config);
    const web = webRuntimeVersion(webRuntime('the browser device'));
    const runtime = `onnxruntime-web ${web}, Chromium ${version}, Node.js ${process.versions.node}`;
    return { ...environment, runtime };
  }

  /** Opens the page in a new browser. @throws DeviceUnavailable when the browser ends during the task. */
  private async withPage<T>(address: string, task: (page: BrowserPage, version: string) => Promise<T>): Promise<T> {
    const browser = await this.launch();
    const crash = new AbortController();
    try {
      const page = await browser.newPage();
      page.on('crash', () => crash.abort());
      await page.goto(address, { waitUntil: 'load' });
      await page.waitForFunction('globalThis.nas !== undefined');
      if (!(await ask(page, 'isIsolated'))) throw new Error('the page is not isolated from others');
      return await task(page, browser.version());
    } catch (cause) {
      if (cause instanceof NasError || (browser.isConnected() && !crash.signal.aborted)) throw cause;
      throw new DeviceUnavailable(`the browser ended during the measurement: ${firstLine(cause)}`, {
        hint: 'It may have been out of memory, or was killed; measure again.',
        cause,
      });
    } finally {
      await browser.close();
    }
  }

  private async launch(): Promise<Browser> {
    const { chromium } = await playwright();
    const webgpu = ['--enable-unsafe-webgpu', '--enable-features=Vulkan,WebGPU', '--ignore-gpu-blocklist'];
    try {
      return await chromium.launch({
        executablePath: this.executable,
        headless: true,
        args: ['--disable-background-timer-throttling', ...(this.config.provider === 'webgpu' ? webgpu : [])],
      });
    } catch (cause) {
      throw new DeviceUnavailable(`${this.executable} did not start: ${firstLine(cause)}`, {
        hint: 'Check that it is Chromium, Chrome or Edge and runs on this machine.',
        cause,
      });
    }
  }

  private async open(page: BrowserPage, subject: Measurable, index: number): Promise<OpenSubject> {
    const inputs = await this.runnable(page, () => ask(page, 'open', index, this.config));
    const { name, shape } = inputAtBatch(inputs, this.config.batch);
    await ask(page, 'feed', index, name, shape);
    const label = await this.runnable(page, async () => this.label(page, await modelOf(subject), index));
    await this.runnable(page, () => ask(page, 'prepare', index));
    return {
      label,
      takeBlock: (block): Promise<Block> => ask(page, 'takeBlock', index, block),
      close: () => ask(page, 'close', index),
    };
  }

  /** The precision of a model, by the profiler's events, which onnxruntime-web writes to the console. */
  private async label(page: BrowserPage, model: Uint8Array, index: number): Promise<Label> {
    if (isFloat32(model)) return { precision: 'fp32' };
    const events: string[] = [];
    const collect = (message: ConsoleMessage): void => {
      const event = /^\{"cat".*\}(?=,?$)/.exec(message.text().trim())?.[0];
      if (event !== undefined) events.push(event);
    };
    page.on('console', collect);
    try {
      await ask(page, 'profile', index, this.config);
    } finally {
      page.off('console', collect);
    }
    if (events.length > 0) return labelled(executedElsewhere(model, `[${events.join(',')}]`));
    const here = await labelHere(model, { ...this.config, provider: 'cpu' });
    return {
      ...here,
      notes: [
        ...(here.notes ?? []),
        'the browser did not report the executed nodes; they are those of the processor here',
      ],
    };
  }

  /** While the browser lives, errors of the page are errors of the model or the provider: `invalid-input`. */
  private async runnable<T>(page: BrowserPage, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (cause) {
      if (page.isClosed() || page.context().browser()?.isConnected() !== true) throw cause;
      const { provider } = this.config;
      throw invalidInput(`onnxruntime-web cannot run the model with provider '${provider}': ${firstLine(cause)}`, {
        hint:
          provider === 'webgpu'
            ? 'This browser may have no WebGPU here; provider: wasm runs everywhere.'
            : 'Check that the file is a valid ONNX model.',
        cause,
      });
    }
  }
}

/** An error's message without stack and call log. */
const firstLine = (error: unknown): string =>
  messageOf(error)
    .replace(/^page\.\w+: /, '')
    .split('\n', 1)[0];

/** Program names of Chromium and its relatives. */
const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'microsoft-edge'];

/** Usual places outside the search path. */
const places = [
  '/usr/bin/chromium',
  '/usr/lib/chromium/chromium',
  '/snap/bin/chromium',
  '/opt/google/chrome/chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The browser to measure in: the given one, that of CHROMIUM_PATH, or the first that is found.
 * @throws NasError `invalid-input` when there is none.
 */
export function findBrowser(executable: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const variable = env['CHROMIUM_PATH'] ?? '';
  const asked = executable ?? (variable === '' ? undefined : variable);
  if (asked !== undefined) {
    if (isExecutable(asked)) return asked;
    const from = executable === undefined ? 'CHROMIUM_PATH names' : 'the device names';
    throw invalidInput(`${from} ${asked}, which is not a program that can be run`, {
      hint: 'Give the path of Chromium, Chrome or Edge.',
    });
  }
  const onPath = (env['PATH'] ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  const found = [...onPath, ...places].find(isExecutable);
  if (found !== undefined) return found;
  throw invalidInput('no browser was found to measure in', {
    hint: 'Install Chromium (apt install chromium), or set CHROMIUM_PATH or the key executable of the device to one.',
  });
}

/** Enough runs to check that the browser works. */
const fewRuns = { warmupMs: 0, blockMs: 0, minRuns: 1, maxRuns: 1, minBlocks: 2, maxBlocks: 2, tolerance: 1 };

/**
 * Runs a tiny model in a browser.
 * @returns the runtime with its versions.
 * @throws NasError when the browser or the provider does not work here.
 */
export async function tryBrowser(provider: BrowserConfig['provider']): Promise<string> {
  const device = new BrowserDevice({ type: 'browser', provider, threads: 1, batch: 1 });
  const { environment } = await measureOne(device, tinyModel(), fewRuns);
  return environment.runtime;
}
