// The install script of onnxruntime-node downloads CUDA libraries from a host that is not the npm registry. It first calls
// `bootstrap` of the package global-agent, which this package replaces in a clone (`overrides` of package.json). The script ends
// there, with every version of npm, unless the libraries are asked for: ONNXRUNTIME_NODE_INSTALL=true.
exports.bootstrap = () => {
  if (process.env.ONNXRUNTIME_NODE_INSTALL === undefined) process.exit(0);
};
