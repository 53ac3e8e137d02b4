import { create } from '@bufbuild/protobuf';
import { StringStringEntryProtoSchema } from 'onnx-buf';
import type { OnnxFile } from '../../compiler/index.js';
import type { Range } from './numbers.js';

/** The key of a file's metadata with the range of the outputs, which stay floats in int8 files. */
const key = 'output_range';

/** A file that says in which range its outputs are: programs all in int8 are made of it. */
export const withOutputRange = (file: OnnxFile, range: Range): OnnxFile => ({
  ...file,
  metadataProps: [
    ...file.metadataProps.filter((one) => one.key !== key),
    create(StringStringEntryProtoSchema, { key, value: JSON.stringify(range) }),
  ],
});

/** The range of a file's outputs on its calibration images; undefined where the file does not say it. */
export function outputRangeIn({ metadataProps }: OnnxFile): Range | undefined {
  const [low, high] = (metadataProps.find((one) => one.key === key)?.value ?? '')
    .replace(/[[\]]/g, '')
    .split(',')
    .map(Number);
  return Number.isFinite(low) && Number.isFinite(high) && low <= high ? [low, high] : undefined;
}
