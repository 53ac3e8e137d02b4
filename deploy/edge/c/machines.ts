/** A board of QEMU: its core, memory, and the clock that counts. */
interface Machine {
  readonly machine: string;
  readonly flags: readonly string[];
  /** Where code and memory begin, and their bytes. */
  readonly code: readonly [origin: number, bytes: number];
  readonly ram: readonly [origin: number, bytes: number];
  /** Of the core's SysTick. */
  readonly hz: number;
}

const MB = 2 ** 20;
const mps2 = { code: [0, 4 * MB], ram: [0x2000_0000, 4 * MB], hz: 25e6 } as const;

export const machines = {
  'cortex-m3': { machine: 'mps2-an385', flags: ['-mcpu=cortex-m3'], ...mps2 },
  'cortex-m4': { machine: 'mps2-an386', flags: ['-mcpu=cortex-m4'], ...mps2 },
  'cortex-m7': { machine: 'mps2-an500', flags: ['-mcpu=cortex-m7'], ...mps2 },
  'cortex-m33': {
    machine: 'mps2-an505',
    flags: ['-mcpu=cortex-m33'],
    code: [0x1000_0000, 4 * MB],
    ram: [0x3800_0000, 4 * MB],
    hz: 20e6,
  },
  'cortex-m55': {
    machine: 'mps3-an547',
    flags: ['-mcpu=cortex-m55', '-mfloat-abi=hard'],
    code: [0, MB / 2],
    ram: [0x2000_0000, MB / 2],
    hz: 32e6,
  },
} as const satisfies Record<string, Machine>;

/** Cores whose instructions QEMU counts. */
export type QemuCore = keyof typeof machines;
export const qemuCores = Object.keys(machines) as [QemuCore, ...QemuCore[]];
