import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import type { Options } from 'yargs';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../base/errors.js';
import { didYouMean } from '../../base/text.js';
import { isMap } from '../../experiments/parse/problem.js';
// latency-models/index.js would load all devices.
import { needsQueue } from '../../latency-models/devices/worker.js';
import {
  deviceSchema,
  deviceTypes,
  reachableTypes,
  type DeviceConfig,
  type ReachableDevice,
} from '../../latency-models/schema.js';

/** `--device` of measuring commands. */
export const deviceOption = {
  type: 'string',
  default: 'local',
  describe: `What to measure on: ${reachableTypes.join(', ')}, with :key=value,... after it, or a YAML file`,
} as const satisfies Options;

/** `--device` of commands that start a run. @param byDefault description of the default */
export const runDeviceOption = (byDefault: string) =>
  ({
    type: 'string',
    describe: `${deviceOption.describe}; worker:tag=... with a queue of workers; by default ${byDefault}`,
  }) as const satisfies Options;

const pathKeys = ['file', 'token_file', 'executable'] as const;

/** Resolves relative paths against `folder`. */
function withPaths(written: Record<string, unknown>, folder: string): Record<string, unknown> {
  const paths = pathKeys.flatMap((key) => {
    const value = written[key];
    return typeof value === 'string' ? [[key, resolve(folder, value)] as const] : [];
  });
  return { ...written, ...Object.fromEntries(paths) };
}

/** `local:threads=2,batch=8` as a map; the values are YAML. `serial:/dev/ttyACM0` names the port. */
function shorthand(argument: string): Record<string, unknown> {
  const colon = argument.indexOf(':');
  const type = colon < 0 ? argument : argument.slice(0, colon);
  const rest = colon < 0 ? '' : argument.slice(colon + 1);
  if (type === 'serial' && rest !== '' && !rest.includes('=')) return { type, port: rest };
  const pairs = colon < 0 ? [] : rest.split(',');
  const entries = pairs.map((pair): [string, unknown] => {
    const equals = pair.indexOf('=');
    if (equals < 1)
      throw invalidInput(`--device ${argument}: expected key=value after the colon, got '${pair}'`, {
        hint: 'For example --device local:threads=2,batch=8.',
      });
    return [pair.slice(0, equals), scalar(pair.slice(equals + 1))];
  });
  return { type, ...Object.fromEntries(entries) };
}

function scalar(text: string): unknown {
  try {
    const value: unknown = parseYaml(text);
    return isMap(value) ? text : value;
  } catch {
    return text;
  }
}

/** The device in a YAML file: `latency.device` of an experiment, or the whole file. */
function fromFile(file: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = parseYaml(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw invalidInput(`--device ${file}: cannot be read: ${messageOf(cause)}`, { cause });
  }
  const latency = isMap(content) && isMap(content['latency']) ? content['latency'] : undefined;
  const device = latency === undefined ? content : (latency['device'] ?? 'local');
  if (typeof device === 'string') return { type: device };
  if (isMap(device)) return device;
  throw invalidInput(`--device ${file}: expected a map with type: ${deviceTypes.join(', ')}`);
}

/**
 * As `parseRunDevice`, for devices that need no queue.
 * @throws NasError `invalid-input` as `parseRunDevice`, and for workers of a queue.
 */
export function parseDevice(argument: string): ReachableDevice {
  const device = parseRunDevice(argument);
  if (device.type === 'worker') throw needsQueue(device);
  return device;
}

/**
 * Parses a device: a type, `type:key=value,...`, a YAML file with a device, or an experiment file (its `latency.device`).
 * Paths in a file are relative to its folder.
 * @throws NasError `invalid-input` when it is none of these, or a key or value is wrong.
 */
export function parseRunDevice(argument: string): DeviceConfig {
  const isFile =
    /\.ya?ml$/.test(argument) || (!argument.includes('=') && existsSync(argument) && argument.includes('/'));
  const written = isFile
    ? withPaths(fromFile(argument), dirname(resolve(argument)))
    : withPaths(shorthand(argument), process.cwd());
  const type = typeof written['type'] === 'string' ? written['type'] : 'local';
  if (!deviceTypes.some((known) => known === type))
    throw invalidInput(`--device ${argument}: there is no device type '${type}'${didYouMean(type, deviceTypes)}`, {
      hint: `The types are ${deviceTypes.join(', ')}; a file ends in .yaml. nas devices lists what works here.`,
    });
  const parsed = deviceSchema.safeParse(written);
  if (parsed.success) return parsed.data;
  throw invalidInput(`--device ${argument}: ${z.prettifyError(parsed.error).replaceAll('\n', ' ').trim()}`, {
    hint: 'docs/latency.md lists the keys of each device.',
  });
}
