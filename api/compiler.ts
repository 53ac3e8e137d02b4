/** TF.js programs and models as ONNX. */
export { compile, exportModel } from '../compiler/index.js';
