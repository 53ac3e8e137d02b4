/** Whether an adapter is a graphics card. What has not been shown to be one is `unknown`. */
export type AdapterKind = 'hardware' | 'software' | 'unknown';

/** Something that WebGPU can run on. */
export interface Adapter {
  /** As its driver names it, e.g. `AMD Radeon RX 6800 (RADV NAVI21)`. */
  readonly name: string;
  readonly kind: AdapterKind;
  /** The driver's library or version; null where the system does not tell. */
  readonly driver: string | null;
  /** What tells it from others when one is chosen: PCI vendor and device; null where none can be chosen. */
  readonly id: string | null;
}

/** The adapters of a machine, and the one that WebGPU takes when it is not told which; null when it takes none. */
export interface Adapters {
  readonly all: readonly Adapter[];
  readonly taken: Adapter | null;
}

/** Renderers that compute on the processor, also behind a virtual machine's adapter. */
const software = /llvmpipe|lavapipe|softpipe|swiftshader|microsoft basic (render|display)|\bwarp\b/i;

/** Whether an adapter's name says that it computes on the processor. */
export const isSoftware = (name: string): boolean => software.test(name);

/** @param otherwise what it is unless its name says that it computes on the processor */
export const kindOf = (name: string, otherwise: AdapterKind): AdapterKind =>
  isSoftware(name) ? 'software' : otherwise;

/** `llvmpipe (software: for tests only)`. */
export const describeAdapter = ({ name, kind }: Adapter): string => `${name} (${adapterKinds[kind]})`;

/** What the kinds mean, in words. */
export const adapterKinds: { readonly [K in AdapterKind]: string } = {
  hardware: 'graphics card',
  software: 'software: for tests only',
  unknown: 'not known to be a graphics card',
};

/** The environment in which Vulkan shows one adapter only, by Mesa's layer for choosing devices. */
export const selection = (id: string | null): Readonly<Record<string, string>> =>
  id === null ? {} : { MESA_VK_DEVICE_SELECT: `${id}!` };

/**
 * Chooses the adapter of this process. It must come before WebGPU's first session: the provider takes an adapter once,
 * and has no option that says which.
 * @param id as `Adapter.id`; null leaves the choice to the system
 */
export function selectAdapter(id: string | null): void {
  Object.assign(process.env, selection(id));
}
