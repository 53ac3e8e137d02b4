import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, TensorProto_DataType, TensorProtoSchema } from 'onnx-buf';
import { parseOnnx } from './classifier/onnx-file.js';

const signedByte: number = TensorProto_DataType.INT8;

/**
 * The model with signed bytes of its own for each operator that reads them. Where ONNX Runtime makes unsigned bytes of
 * signed ones it does so for each operator, and cannot open a model in which two share a zero point: it fails with "Attempt
 * to replace the existing tensor". A model in which nothing is shared is given back as it is.
 */
export function unsharedBytes(model: Uint8Array): Uint8Array {
  const file = parseOnnx(model);
  const { graph } = file;
  const tensors = new Map(
    graph.initializer.flatMap((tensor) => (tensor.dataType === signedByte ? [[tensor.name, tensor] as const] : [])),
  );
  const uses = new Map<string, number>();
  let copies = 0;
  for (const node of graph.node)
    for (const [i, name] of node.input.entries()) {
      const tensor = tensors.get(name);
      if (tensor === undefined) continue;
      const before = uses.get(name) ?? 0;
      uses.set(name, before + 1);
      if (before === 0) continue;
      node.input[i] = `${name}/for use ${before + 1}`;
      graph.initializer.push(create(TensorProtoSchema, { ...tensor, name: node.input[i] }));
      copies++;
    }
  return copies === 0 ? model : toBinary(ModelProtoSchema, file);
}
