import { describe, expect, it } from 'vitest';
import { chosenAmong } from '../../../../compiler/runtime/providers/find-adapters.js';
import {
  direct3dAdapters,
  metalAdapters,
  vulkanAdapters,
} from '../../../../compiler/runtime/providers/adapter-reports.js';

/** Recorded where only Mesa's software driver is installed; loader 1.4.309, Mesa 25.0.7. */
const software = {
  selectable: `selectable devices:
  GPU 0: 10005:0 "llvmpipe (LLVM 19.1.7, 256 bits)" CPU
`,
  log: `[Vulkan Loader] DRIVER:         Found ICD manifest file /usr/share/vulkan/icd.d/lvp_icd.json, version 1.0.0
[Vulkan Loader] INFO | DRIVER:  linux_read_sorted_physical_devices:
[Vulkan Loader] INFO | DRIVER:       Original order:
[Vulkan Loader] INFO | DRIVER:             [0] llvmpipe (LLVM 19.1.7, 256 bits)
[Vulkan Loader] INFO | DRIVER:       Sorted order:
[Vulkan Loader] INFO | DRIVER:             [0] llvmpipe (LLVM 19.1.7, 256 bits)  
[Vulkan Loader] INFO | DRIVER:  Removing driver libvulkan_radeon.so due to not having any physical devices
Warning: maxDynamicUniformBuffersPerPipelineLayout artificially reduced from 1000000 to 16 to fit dynamic offset allocation limit.
[Vulkan Loader] DRIVER:         vkCreateDevice layer callstack setup to:
[Vulkan Loader] DRIVER:            <Device>
[Vulkan Loader] DRIVER:                Using "llvmpipe (LLVM 19.1.7, 256 bits)" with driver: "libvulkan_lvp.so"
`,
};

/** As the sources of Mesa and of the loader print it; no such machine was at hand. */
const twoCards = {
  selectable: `selectable devices:
  GPU 0: 1002:73bf "AMD Radeon RX 6800 (RADV NAVI21)" discrete GPU 0000:03:00.0
  GPU 1: 8086:4680 "Intel(R) UHD Graphics 770 (ADL-S GT1)" integrated GPU 0000:00:02.0
  GPU 2: 10005:0 "llvmpipe (LLVM 19.1.7, 256 bits)" CPU
`,
  log: `[Vulkan Loader] DRIVER:                Using "AMD Radeon RX 6800 (RADV NAVI21)" with driver: "/usr/lib/libvulkan_radeon.so"
`,
};
const log = (name: string, driver: string): string => `
[Vulkan Loader] INFO | DRIVER:             [0] ${name}  [default]
[Vulkan Loader] INFO | DRIVER:             [1] Some other device  
[Vulkan Loader] DRIVER:                Using "${name}" with driver: "${driver}"
`;

describe('adapters of Vulkan', () => {
  it('are read from the reports of loader and layer, with the chosen one', () => {
    const [name, driver] = ['llvmpipe (LLVM 19.1.7, 256 bits)', 'libvulkan_lvp.so'];
    const llvmpipe = { name, kind: 'software', driver, id: '10005:0' };
    expect(vulkanAdapters(software.selectable, software.log)).toEqual({ all: [llvmpipe], taken: llvmpipe });
    const { all, taken } = vulkanAdapters(twoCards.selectable, twoCards.log);
    expect(all.map(({ kind, driver }) => [kind, driver])).toEqual([
      ['hardware', 'libvulkan_radeon.so'],
      ['hardware', null],
      ['software', null],
    ]);
    expect(taken).toEqual(all[0]);
  });

  it.each([
    ['NVIDIA GeForce RTX 3060', 'libGLX_nvidia.so.0', 'hardware'],
    ['NVIDIA GeForce RTX 3060', 'libunheard_of.so', 'unknown'],
    ['llvmpipe (LLVM 19.1.7, 256 bits)', 'libvulkan_lvp.so', 'software'],
    ['SwiftShader Device (LLVM 10.0.0)', 'libvk_swiftshader.so', 'software'],
    ['Virtio-GPU Venus (llvmpipe (LLVM 19.1.7, 256 bits))', 'libvulkan_virtio.so', 'software'],
    ['Virtio-GPU Venus (AMD Radeon RX 6800)', 'libvulkan_virtio.so', 'unknown'],
    ['Microsoft Direct3D12 (Microsoft Basic Render Driver)', 'libvulkan_dzn.so', 'software'],
  ] as const)('without the layer, %s by %s is %s', (name, driver, kind) => {
    const { all, taken } = vulkanAdapters('', log(name, driver));
    expect(taken).toEqual({ name, kind, driver, id: null });
    expect(all).toEqual([taken, { name: 'Some other device', kind: 'unknown', driver: null, id: null }]);
  });

  it('are none without a driver', () => {
    expect(vulkanAdapters('', 'vkCreateInstance: Found no drivers!\n')).toEqual({ all: [], taken: null });
  });
});

describe('an adapter is chosen', () => {
  const { all } = vulkanAdapters(twoCards.selectable, twoCards.log);

  it.each([
    ['radeon', '1002:73bf'],
    ['8086:4680', '8086:4680'],
    ['LLVMpipe', '10005:0'],
  ])('by a part of its name or its id: %s', (device, id) => {
    expect(chosenAmong(all, device).id).toBe(id);
  });

  it.each([
    ['geforce', /"geforce" is not here: AMD Radeon.*\(1002:73bf\); Intel/],
    ['r', /"r" is not the only one: AMD/],
  ])('or refused, with a list of the adapters: %s', (device, message) => {
    expect(() => chosenAmong(all, device)).toThrow(message);
  });

  it('only where adapters have ids', () => {
    const unnamed = vulkanAdapters('', twoCards.log).all;
    expect(() => chosenAmong(unnamed, 'radeon')).toThrow(/nothing identifies adapters/);
  });
});

/** Written after the documentation of these commands, and texts that others have published: neither system was at hand. */
describe('adapters of macOS and Windows', () => {
  const mac = (...displays: readonly object[]): string => JSON.stringify({ SPDisplaysDataType: displays });
  const windows = (Name: string, PNPDeviceID: string): object => ({ Name, PNPDeviceID, DriverVersion: '31.0.1' });

  it.each([
    [{ sppci_model: 'Apple M2', spdisplays_mtlgpufamilysupport: 'spdisplays_metal3' }, 'hardware'],
    [{ sppci_model: 'AMD Radeon Pro 555', spdisplays_metal: 'spdisplays_supported' }, 'hardware'],
    [{ _name: 'Apple Paravirtual device', spdisplays_mtlgpufamilysupport: 'spdisplays_metal3' }, 'unknown'],
    [{ sppci_model: 'NVIDIA GeForce 9400M' }, 'unknown'],
  ])('macOS: %o is %s', (display, kind) => {
    expect(metalAdapters(mac(display))).toMatchObject([{ kind }]);
  });

  it.each([
    ['NVIDIA GeForce RTX 4070', 'PCI\\VEN_10DE&DEV_2786&SUBSYS_51361462&REV_A1\\4&2283F625&0&0008', 'hardware'],
    ['Intel(R) Iris(R) Xe Graphics', 'PCI\\VEN_8086&DEV_9A49&SUBSYS_22128086&REV_01\\3&11583659&0&10', 'hardware'],
    ['Microsoft Basic Display Adapter', 'PCI\\VEN_10DE&DEV_2786&SUBSYS_51361462&REV_A1\\4&2283F625&0&0008', 'software'],
    ['Microsoft Hyper-V Video', 'VMBUS\\{DA0A7802-E377-4AAC-8E77-0558EB1073F8}\\5&2D9B7B0B&0', 'unknown'],
    ['VMware SVGA 3D', 'PCI\\VEN_15AD&DEV_0405&SUBSYS_040515AD&REV_00\\3&18D45AA6&0&78', 'unknown'],
  ])('Windows: %s at %s is %s', (name, id, kind) => {
    const [one, both] = [windows(name, id), [windows(name, id), windows('Another', 'ROOT\\DISPLAY')]];
    expect(direct3dAdapters(JSON.stringify(one))).toMatchObject([{ name, kind, driver: '31.0.1' }]);
    expect(direct3dAdapters(JSON.stringify(both)).map((adapter) => adapter.kind)).toEqual([kind, 'unknown']);
  });
});
