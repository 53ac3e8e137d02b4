import { lowerings } from '../../compiler/lowerings.js';
import { page, table } from './markdown.js';

/** docs/lowerings.md: how the compiler makes training fast. */
export const loweringsPage = (): string =>
  page(
    '# How the compiler makes training fast',
    `A training step is traced from TF.js and recorded as ONNX operators. These are the places where the compiler does
better than the literal translation. _Blocked_ lowerings use operators of ONNX Runtime's CPU provider that are not a public
contract; they are used where a self-test passes (once per process), and \`blocked: false\` turns them off. Formulas are
in the files, which are in \`compiler/\`; what each gains is measured in [benchmarks](benchmarks.md).`,
    table(
      ['lowering', 'what it does', 'where it applies', 'needs', 'file'],
      lowerings.map(({ name, what, where, needs, file }) => [name, what, where, needs, `\`${file}\``]),
    ),
  );
