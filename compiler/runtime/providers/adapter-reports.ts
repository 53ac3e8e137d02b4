import { basename } from 'node:path';
import { type Adapter, type AdapterKind, type Adapters, kindOf } from './adapters.js';
import { z } from 'zod';

/** Vulkan's device types. */
const types: Readonly<Record<string, AdapterKind>> = {
  'discrete GPU': 'hardware',
  'integrated GPU': 'hardware',
  'virtual GPU': 'unknown',
  CPU: 'software',
  other: 'unknown',
};

/** Drivers of graphics cards only. */
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
 * The adapters that Mesa's device selection layer lists: `GPU 0: 1002:73bf "AMD Radeon RX 6800" discrete GPU 0000:03:00.0`.
 * Empty where the layer is not installed.
 */
const parseSelectable = (text: string): Adapter[] =>
  [
    ...text.matchAll(/^ *GPU \d+: ([0-9a-f]+:[0-9a-f]+) "(.*)" (discrete GPU|integrated GPU|virtual GPU|CPU|other)/gm),
  ].map(([, id, name, type]) => ({ id, name, kind: kindOf(name, types[type]), driver: null }));

/** The last used device in the log of Vulkan's loader: `Using "llvmpipe" with driver: "..."`. */
function parseUsed(log: string): { readonly name: string; readonly driver: string } | null {
  const last = [...log.matchAll(/Using "(.*)" with driver: "(.*)"/g)].at(-1);
  return last === undefined ? null : { name: last[1], driver: basename(last[2]) };
}

/** All device names in the log of Vulkan's loader: `[0] llvmpipe`. */
const parseNames = (log: string): string[] => [
  ...new Set([...log.matchAll(/DRIVER: +\[\d+\] (.+?)(?: +\[default\])? *$/gm)].map(([, name]) => name)),
];

/**
 * @param selectable output of a program with `MESA_VK_DEVICE_SELECT=list`
 * @param log output of a program on WebGPU with `VK_LOADER_DEBUG=driver`
 */
export function vulkanAdapters(selectable: string, log: string): Adapters {
  const used = parseUsed(log);
  const listed = parseSelectable(selectable);
  const all = listed.length > 0 ? listed : parseNames(log).map((name) => withoutLayer(name, used?.driver ?? null));
  if (used === null) return { all, taken: null };
  const taken = { ...(all.find(({ name }) => name === used.name) ?? withoutLayer(used.name, used.driver)), ...used };
  return { all: all.map((adapter) => (adapter.name === used.name ? { ...adapter, ...used } : adapter)), taken };

  /** Only the name is known, and the driver of the used adapter. */
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
      /** The generation of Metal; before macOS 11, whether it is supported. */
      spdisplays_mtlgpufamilysupport: z.string().optional(),
      spdisplays_metal: z.string().optional(),
    }),
  ),
});

/** Adapters of virtual machines. */
const virtual = /paravirtual|virtual|vmware|parallels/i;

/**
 * @param text output of `system_profiler -json SPDisplaysDataType` on macOS
 * @throws Error for any other text
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

/** Device ids of AMD, Intel, NVIDIA and Qualcomm; virtual machines have other vendors. */
const card = /^(PCI\\VEN_(1002|8086|10DE)|ACPI\\(VEN_)?QCOM)/i;

/**
 * @param text JSON output of `Get-CimInstance Win32_VideoController` in PowerShell on Windows
 * @throws Error for any other text
 */
export const direct3dAdapters = (text: string): Adapter[] =>
  (text.trim() === '' ? [] : controllers.parse(JSON.parse(text))).map(({ Name, PNPDeviceID, DriverVersion }) => {
    const name = Name ?? 'unnamed';
    const isCard = PNPDeviceID !== null && card.test(PNPDeviceID);
    return { name, kind: kindOf(name, isCard ? 'hardware' : 'unknown'), driver: DriverVersion, id: null };
  });
