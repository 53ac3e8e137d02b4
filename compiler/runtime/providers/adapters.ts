/** Whether an adapter is a graphics card; `unknown` without evidence. */
export type AdapterKind = 'hardware' | 'software' | 'unknown';

/** An adapter of WebGPU. */
export interface Adapter {
  /** The driver's name for it, e.g. `AMD Radeon RX 6800 (RADV NAVI21)`. */
  readonly name: string;
  readonly kind: AdapterKind;
  /** The driver's library or version; null when unknown. */
  readonly driver: string | null;
  /** PCI vendor and device, for choosing it; null where adapters cannot be chosen. */
  readonly id: string | null;
}

/** The adapters of a machine; `taken` is WebGPU's default, null without one. */
export interface Adapters {
  readonly all: readonly Adapter[];
  readonly taken: Adapter | null;
}

/** Software renderers, also behind a virtual machine's adapter. */
const software = /llvmpipe|lavapipe|softpipe|swiftshader|microsoft basic (render|display)|\bwarp\b/i;

/** Whether the name is a software renderer's. */
export const isSoftware = (name: string): boolean => software.test(name);

/** @param otherwise the kind of any name but a software renderer's */
export const kindOf = (name: string, otherwise: AdapterKind): AdapterKind =>
  isSoftware(name) ? 'software' : otherwise;

/** `llvmpipe (software: for tests only)`. */
export const describeAdapter = ({ name, kind }: Adapter): string => `${name} (${adapterKinds[kind]})`;

export const adapterKinds: { readonly [K in AdapterKind]: string } = {
  hardware: 'graphics card',
  software: 'software: for tests only',
  unknown: 'not known to be a graphics card',
};
