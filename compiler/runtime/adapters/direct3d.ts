import { z } from 'zod';
import { kindOf, type Adapter } from './adapter.js';

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
