/** Names of the Open Inference Protocol v2 and its extensions, as they go over the wire. */

/** Header: bytes of the JSON before the tensors; 0: the body is one tensor, without any JSON. */
export const headerLength = 'inference-header-content-length';

/** There is one version of each model, the one that is served. */
export const version = '1';

/** Addresses of a model, of its one version or without. */
export const modelPaths = ['/v2/models/:name', `/v2/models/:name/versions/${version}`] as const;

/** What they hold. */
export interface Named {
  Params: { readonly name: string };
}

export const extensions = ['binary_tensor_data', 'model_repository'] as const;

/** Names of inputs for every model; a named model also takes the name of its graph's input for `values`. */
export const inputNames = { values: 'input', pixels: 'image' } as const;

/** Under which the scheduler's choice gives its output, and every model may be asked for it. */
export const outputName = 'outputs';

/** Data types of inputs, with their bytes an element. */
export const bytesOf = { FP32: 4, UINT8: 1 } as const;
export type Datatype = keyof typeof bytesOf;
export const datatypes = Object.keys(bytesOf) as readonly Datatype[];
