import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { tryTinyModel, type Trial } from './trial.js';
import type { Adapter, Adapters } from './adapters.js';
import { selection } from '../session.js';
import { direct3dAdapters, metalAdapters, vulkanAdapters } from './adapter-reports.js';
import { invalidInput } from '../../../base/errors.js';

/** A trial of WebGPU, and the adapters that it found. */
export interface WebGpuTrial {
  readonly trial: Trial;
  readonly adapters: Adapters;
}

const run = promisify(execFile);
const patience = { timeout: 20_000 };

/** Adapters by system. Only Linux was tested; the others follow the documentation of their commands. */
const systems: Readonly<Partial<Record<NodeJS.Platform, (log: string) => Promise<Adapters>>>> = {
  linux: async (log) => {
    const { log: selectable } = await tryTinyModel('webgpu', null, { MESA_VK_DEVICE_SELECT: 'list' });
    return vulkanAdapters(selectable, log);
  },
  darwin: async () => {
    const { stdout } = await run('system_profiler', ['-json', 'SPDisplaysDataType'], patience);
    return bestTaken(metalAdapters(stdout));
  },
  win32: async () => {
    const query =
      'Get-CimInstance Win32_VideoController | Select-Object Name, PNPDeviceID, DriverVersion | ConvertTo-Json';
    const { stdout } = await run('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', query], patience);
    return bestTaken(direct3dAdapters(stdout));
  },
};

/** These systems do not report WebGPU's default; it prefers a card to a software renderer. */
function bestTaken(all: readonly Adapter[]): Adapters {
  const best = (['hardware', 'unknown', 'software'] as const)
    .map((kind) => all.filter((adapter) => adapter.kind === kind))
    .find((some) => some.length > 0);
  if (best === undefined) return { all, taken: null };
  const name = best.map((adapter) => adapter.name).join(' or ');
  return { all, taken: best.length === 1 ? best[0] : { ...best[0], name, driver: null } };
}

const tried = new Map<string | null, Promise<WebGpuTrial>>();

/** Tries WebGPU on the adapter of this id (null: the default) and lists the adapters; once per id. */
export function tryWebGpu(id: string | null = null): Promise<WebGpuTrial> {
  const answer = tried.get(id) ?? tryOn(id);
  tried.set(id, answer);
  return answer;
}

async function tryOn(id: string | null): Promise<WebGpuTrial> {
  const trial = await tryTinyModel('webgpu', null, { VK_LOADER_DEBUG: 'driver', ...selection(id) });
  const found = (await systems[process.platform]?.(trial.log).catch(() => nothing)) ?? nothing;
  return { trial, adapters: trial.reason === null ? found : { ...found, taken: null } };
}

const nothing: Adapters = { all: [], taken: null };

/** Whether there may be a graphics card; on Linux by /dev, without starting a process. */
export const mayHaveCard = (): boolean =>
  process.platform !== 'linux' ||
  existsSync('/dev/dxg') ||
  namesIn('/dev').some((name) => name.startsWith('nvidia')) ||
  namesIn('/dev/dri').some((name) => name.startsWith('renderD'));

const namesIn = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** The graphics card that WebGPU runs on by default; null without a known one. */
export async function findCard(): Promise<Adapter | null> {
  if (!mayHaveCard()) return null;
  const { taken } = (await tryWebGpu()).adapters;
  return taken?.kind === 'hardware' ? taken : null;
}

/**
 * The adapter with this id or this part of its name.
 * @throws NasError `invalid-input` when none or several match, or when this system cannot choose one.
 */
export async function adapterNamed(device: string): Promise<Adapter> {
  if (process.platform !== 'linux')
    throw invalidInput(`the adapter "${device}" cannot be chosen: WebGPU chooses one itself on ${process.platform}`, {
      hint: 'Leave engine.device out; the settings of the system choose the adapter of a program.',
    });
  return chosenAmong((await tryWebGpu()).adapters.all, device);
}

/** As `adapterNamed`, among these. */
export function chosenAmong(all: readonly Adapter[], device: string): Adapter {
  const wanted = device.toLowerCase();
  const known = all.map(({ name, id }) => `${name} (${id ?? 'no id'})`).join('; ');
  if (all.every(({ id }) => id === null))
    throw invalidInput(`the adapter "${device}" cannot be chosen: nothing identifies adapters here`, {
      hint: "Install Mesa's Vulkan drivers (mesa-vulkan-drivers), which bring the layer for it; or set VK_DRIVER_FILES to the driver's file and leave engine.device out.",
    });
  const exact = all.filter(({ id }) => id === wanted);
  const meant = exact.length > 0 ? exact : all.filter(({ name }) => name.toLowerCase().includes(wanted));
  const ids = new Set(meant.map(({ id }) => id));
  if (meant.length === 0 || ids.size > 1)
    throw invalidInput(`the adapter "${device}" is ${meant.length === 0 ? 'not here' : 'not the only one'}: ${known}`, {
      hint: 'Give engine.device as a part of one name, or as the id in brackets.',
    });
  return meant[0];
}
