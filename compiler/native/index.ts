/** Passes of the native library, which trains networks on a processor's vector units (`native/nas.h`). */
export { instructionSets, nativeLibrary, type InstructionSet, type NativeLibrary } from './library.js';
export { planMemory, type MemoryPlan } from './memory.js';
export * from './passes.js';
export { type AddedSequence, NativeProgram, type ProgramOptions, type Sequence } from './program.js';
