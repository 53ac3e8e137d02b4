import { invalidInput } from '../../../base/errors.js';
import type { Adapter } from './adapter.js';
import { tryWebGpu } from './find.js';

/**
 * The adapter that `device` means: its id, or a part of its name.
 * @throws NasError `invalid-input` when it means none or several, or none can be chosen on this system.
 */
export async function adapterNamed(device: string): Promise<Adapter> {
  if (process.platform !== 'linux')
    throw invalidInput(`the adapter "${device}" cannot be chosen: WebGPU takes one by itself on ${process.platform}`, {
      hint: 'Leave engine.device out; the settings of the system say which one programs get.',
    });
  return chosenAmong((await tryWebGpu()).adapters.all, device);
}

/** As `adapterNamed`, among these. */
export function chosenAmong(all: readonly Adapter[], device: string): Adapter {
  const wanted = device.toLowerCase();
  const known = all.map(({ name, id }) => `${name} (${id ?? 'no id'})`).join('; ');
  if (all.every(({ id }) => id === null))
    throw invalidInput(`the adapter "${device}" cannot be chosen: there is nothing that tells adapters apart here`, {
      hint: "Install Mesa's Vulkan drivers (mesa-vulkan-drivers), which bring the layer that does; or set VK_DRIVER_FILES to the driver's file and leave engine.device out.",
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
