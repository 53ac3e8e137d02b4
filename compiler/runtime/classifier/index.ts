/** Image classifiers of others, ONNX files or TF.js layers models: what they take, whether they fit some data, running them. */
export { fitClassifier, type Classifier } from './classifier.js';
export { imageShape, type ImageData } from './image-shape.js';
export { layersSignature, loadLayersModel, type LoadedLayersModel } from './layers-model.js';
export { classifierFacts, factsOf, parseText, type ClassifierFacts, type Layout } from './metadata.js';
export { inputsOf, outputsOf, parseOnnx, showTensors, type OnnxFile, type TensorInfo } from './onnx-file.js';
export { inputTransform, openClassifier, openOnnx, type OpenClassifier, type OpenModel } from './run.js';
export { outputKind, Scoreboard, toLogits, type OutputKind, type Scores } from './scores.js';
export { onnxSignature, type ClassifierSignature } from './signature.js';
