import { basename } from 'node:path';
import { type Adapter, type AdapterKind, type Adapters, kindOf } from './adapters.js';
import { z } from 'zod';

/** What Vulkan says a device is. */
const types: Readonly<Record<string, AdapterKind>> = {
  'discrete GPU': 'hardware',
  'integrated GPU': 'hardware',
  'virtual GPU': 'unknown',
  CPU: 'software',
  other: 'unknown',
};

/** Drivers that know nothing but graphics cards. */
const cardDrivers: ReadonlySet<string> = new Set([
  'libGLX_nvidia.so.0',
  'libEGL_nvidia.so.0',
  'libvulkan_nouveau.so',
  'libvulkan_radeon.so',
  'amdvlk64.so',
  'libvulkan_intel.so',
  'libvulkan_intel_hasvk.so',
  'libvulkan_asahi.so',
  'libvulkan_broadcom.so',
  'libvulkan_freedreno.so',
  'libvulkan_panfrost.so',
]);

/**
 * The adapters that Mesa's layer for choosing devices lists: `GPU 0: 1002:73bf "AMD Radeon RX 6800" discrete GPU
 * 0000:03:00.0`. None where the layer is not installed.
 */
const parseSelectable = (text: string): Adapter[] =>
  [
    ...text.matchAll(/^ *GPU \d+: ([0-9a-f]+:[0-9a-f]+) "(.*)" (discrete GPU|integrated GPU|virtual GPU|CPU|other)/gm),
  ].map(([, id, name, type]) => ({ id, name, kind: kindOf(name, types[type]), driver: null }));

/** The device that a program used last, from the log of Vulkan's loader: `Using "llvmpipe" with driver: "..."`. */
function parseUsed(log: string): { readonly name: string; readonly driver: string } | null {
  const last = [...log.matchAll(/Using "(.*)" with driver: "(.*)"/g)].at(-1);
  return last === undefined ? null : { name: last[1], driver: basename(last[2]) };
}

/** The names of all devices in the log of Vulkan's loader, where they stand by number: `[0] llvmpipe`. */
const parseNames = (log: string): string[] => [
  ...new Set([...log.matchAll(/DRIVER: +\[\d+\] (.+?)(?: +\[default\])? *$/gm)].map(([, name]) => name)),
];

/**
 * @param selectable what a program prints with `MESA_VK_DEVICE_SELECT=list`
 * @param log what it prints with `VK_LOADER_DEBUG=driver`, when it runs something on WebGPU
 */
export function vulkanAdapters(selectable: string, log: string): Adapters {
  const used = parseUsed(log);
  const listed = parseSelectable(selectable);
  const all = listed.length > 0 ? listed : parseNames(log).map((name) => withoutLayer(name, used?.driver ?? null));
  if (used === null) return { all, taken: null };
  const taken = { ...(all.find(({ name }) => name === used.name) ?? withoutLayer(used.name, used.driver)), ...used };
  return { all: all.map((adapter) => (adapter.name === used.name ? { ...adapter, ...used } : adapter)), taken };

  /** Nothing but names and the driver of the one that is used is known. */
  function withoutLayer(name: string, driver: string | null): Adapter {
    const isCard = name === used?.name && driver !== null && cardDrivers.has(driver);
    return { name, kind: kindOf(name, isCard ? 'hardware' : 'unknown'), driver: null, id: null };
  }
}

const displays = z.looseObject({
  SPDisplaysDataType: z.array(
    z.looseObject({
      _name: z.string().optional(),
      sppci_model: z.string().optional(),
      /** Since macOS 11, which generation of Metal; before, whether there is any. */
      spdisplays_mtlgpufamilysupport: z.string().optional(),
      spdisplays_metal: z.string().optional(),
    }),
  ),
});

/** Virtual machines give their guests an adapter that Apple calls paravirtual. */
const virtual = /paravirtual|virtual|vmware|parallels/i;

/**
 * @param text what `system_profiler -json SPDisplaysDataType` prints on macOS
 * @throws Error when it is something else
 */
export function metalAdapters(text: string): Adapter[] {
  return displays.parse(JSON.parse(text)).SPDisplaysDataType.map((display) => {
    const name = display.sppci_model ?? display._name ?? 'unnamed';
    const metal = display.spdisplays_mtlgpufamilysupport ?? display.spdisplays_metal ?? '';
    const isCard = /metal(featuresetfamily)?\d|_supported$/.test(metal) && !virtual.test(name);
    return { name, kind: kindOf(name, isCard ? 'hardware' : 'unknown'), driver: metal === '' ? null : metal, id: null };
  });
}

const controller = z.looseObject({
  Name: z.string().nullable(),
  PNPDeviceID: z.string().nullable(),
  DriverVersion: z.string().nullable(),
});

/** PowerShell writes one object as it is, several as an array. */
const controllers = z.union([z.array(controller), controller.transform((one) => [one])]);

/** Where Windows finds graphics cards of AMD, Intel, NVIDIA and Qualcomm; virtual machines have other makers. */
const card = /^(PCI\\VEN_(1002|8086|10DE)|ACPI\\(VEN_)?QCOM)/i;

/**
 * @param text what PowerShell's `Get-CimInstance Win32_VideoController` prints as JSON on Windows
 * @throws Error when it is something else
 */
export const direct3dAdapters = (text: string): Adapter[] =>
  (text.trim() === '' ? [] : controllers.parse(JSON.parse(text))).map(({ Name, PNPDeviceID, DriverVersion }) => {
    const name = Name ?? 'unnamed';
    const isCard = PNPDeviceID !== null && card.test(PNPDeviceID);
    return { name, kind: kindOf(name, isCard ? 'hardware' : 'unknown'), driver: DriverVersion, id: null };
  });
