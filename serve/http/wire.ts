/** Names of the Open Inference Protocol v2 and its extensions. */

/** Header: length in bytes of the JSON before the tensors; 0: the body is one tensor without JSON. */
export const headerLength = 'inference-header-content-length';

/** Paths of a model; without a version, of its newest one. */
export const modelPaths = ['/v2/models/:name', '/v2/models/:name/versions/:version'] as const;

/** Path parameters of `modelPaths`. */
export interface Named {
  Params: { readonly name: string; readonly version?: string };
}

export const extensions = ['binary_tensor_data'] as const;

/** Input names of every model; a named model also accepts the input name of its graph for `values`. */
export const inputNames = { values: 'input', pixels: 'image' } as const;

/** Output name of the scheduler's choice, also accepted by every model. */
export const outputName = 'outputs';

/** Numbers of answers, such as times in ms, have three decimals. */
export const toThousandths = (value: number): number => Math.round(value * 1e3) / 1e3;

/** Input data types and their bytes per element. */
export const bytesOf = { FP32: 4, UINT8: 1 } as const;
export type Datatype = keyof typeof bytesOf;
export const datatypes = Object.keys(bytesOf) as readonly Datatype[];
