import { z } from 'zod';
import type { QemuCore } from '../../deploy/index.js';
import type { Objective } from '../../search/index.js';

interface Board {
  /** In kB of 1,024 bytes, from the data sheet. A chip without flash has the flash of its usual board. */
  readonly sram: number;
  readonly flash: number;
  readonly sheet: string;
  /** Whose instructions QEMU counts; null: QEMU has no board of this core with enough memory. */
  readonly core: QemuCore | null;
}

/** Microcontrollers that experiments can name. */
export const boards = {
  stm32f103c8: { sram: 20, flash: 64, core: 'cortex-m3', sheet: 'ST DS5319' },
  samd21g18: { sram: 32, flash: 256, core: null, sheet: 'Microchip DS40001882' },
  stm32f446re: { sram: 128, flash: 512, core: 'cortex-m4', sheet: 'ST DS10693' },
  stm32f412zg: { sram: 256, flash: 1024, core: 'cortex-m4', sheet: 'ST DS11139' },
  nrf52840: { sram: 256, flash: 1024, core: 'cortex-m4', sheet: 'Nordic nRF52840 product specification' },
  rp2040: { sram: 264, flash: 2048, core: null, sheet: 'RP2040 data sheet; flash of the Raspberry Pi Pico' },
  stm32f746ng: { sram: 320, flash: 1024, core: 'cortex-m7', sheet: 'ST DS10916' },
  'esp32-s3': { sram: 512, flash: 8192, core: null, sheet: 'ESP32-S3 series data sheet; flash of ESP32-S3-WROOM-1-N8' },
  stm32h743zi: { sram: 512, flash: 2048, core: 'cortex-m7', sheet: 'ST DS12110; its largest continuous SRAM' },
  rp2350: { sram: 520, flash: 4096, core: 'cortex-m33', sheet: 'RP2350 data sheet; flash of the Raspberry Pi Pico 2' },
} as const satisfies Record<string, Board>;

export type BoardName = keyof typeof boards;
export const boardNames = Object.keys(boards) as [BoardName, ...BoardName[]];

/** The share of a board's memory that the network may take; the rest is for stack, drivers and the program around it. */
const share = 0.75;

const listed = boardNames
  .map((name) => `${name} (${boards[name].sram} kB SRAM, ${boards[name].flash} kB flash)`)
  .join(', ');

const kilobytes = z.number().gt(0).optional();
const rest = `${100 * share} % of the board's`;

/** `constraints:`; limits that every candidate keeps before it is trained, and that are no objectives. */
export const constraintsSchema = z
  .strictObject({
    board: z
      .enum(boardNames)
      .optional()
      .describe(`the microcontroller that the network has to fit in, with room for the program around it: ${listed}`),
    sram_kb: kilobytes.describe(
      `most memory for the activations of the int8 program in kB (1,024 bytes), as nas export --to c plans it; by default ${rest} SRAM`,
    ),
    flash_kb: kilobytes.describe(
      `most flash for its weights, tables and operators in kB, as nas export --to c writes it; by default ${rest} flash`,
    ),
  })
  .refine((given) => Object.keys(given).length > 0, {
    error: 'needs board, sram_kb or flash_kb',
    when: ({ issues }) => issues.length === 0,
  });

type Constraints = z.output<typeof constraintsSchema>;

/** The limits as objectives with a bound, which take no part in the frontier. */
export function limitsOf({ board, sram_kb, flash_kb }: Constraints): readonly Objective[] {
  const limit = (name: 'sram_bytes' | 'flash_bytes', kb: number | undefined): Objective[] =>
    kb === undefined
      ? []
      : [{ name, direction: 'minimize', cost: 'cheap', constraint: { max: Math.floor(1024 * kb) } }];
  const own = board && boards[board];
  return [
    ...limit('sram_bytes', sram_kb ?? (own && share * own.sram)),
    ...limit('flash_bytes', flash_kb ?? (own && share * own.flash)),
  ];
}

/** The core on which QEMU counts instructions: the board's, or Cortex-M4 without a board. Null: QEMU lacks the board's core. */
export const coreOf = (constraints: Constraints | undefined): QemuCore | null =>
  constraints?.board === undefined ? 'cortex-m4' : boards[constraints.board].core;
