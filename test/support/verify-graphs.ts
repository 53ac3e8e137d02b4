import { expect } from 'vitest';

/** The check of graphs is a third of a compilation: of the slow tests, only those of the compiler make it. */
const isOfCompiler = expect.getState().testPath?.includes('/test/compiler/') === true;
process.env['NAS_VERIFY'] = isOfCompiler ? '1' : '0';
