import { describe, expect, it } from 'vitest';
import { deviceFailureOf, withoutSource } from '../../../compiler/runtime/session.js';

describe('the kind of a device failure follows from the text of the error', () => {
  it.each([
    ['Too many storage buffers in shader. Current: 23, Max is 16', 'memory'],
    ['Buffer size (4294967296) exceeds the max buffer size limit (2147483648).', 'memory'],
    ['BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 4294967296', 'memory'],
    ['CUDA failure 2: out of memory ; GPU=0', 'memory'],
    ['Failed to download data from buffer. wgpu::MapAsyncStatus value: 3', 'lost'],
    ['WebGPU device lost (2): A valid external Instance reference no longer exists.', 'lost'],
    ['CUDA failure 719: unspecified launch failure ; GPU=0', 'lost'],
    ['Failed to get a WebGPU adapter: No supported adapters', null],
    ["input 'x' takes shape [2], not 1 numbers", null],
    ['Non-zero status code returned while running Split node: Cannot split using values in split attribute', null],
  ])('%s: %s', (message, kind) => expect(deviceFailureOf(message)).toBe(kind));
});

it('withoutSource drops the source location of ONNX Runtime before a cause', () => {
  const check =
    '/onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::' +
    'Initialize(const onnxruntime::webgpu::WebGpuContextConfig&)::<lambda()> adapter_result.status == ' +
    'wgpu::RequestAdapterStatus::Success was false. ';
  const cause = 'Failed to get a WebGPU adapter: No supported adapters';
  expect(withoutSource(check + cause)).toBe(cause);
  expect(withoutSource(check)).toBe(check);
  expect(withoutSource(cause)).toBe(cause);
});
