/**
 * The whole suite on ONNX Runtime's WebGPU provider, on whatever adapter Vulkan, Metal or D3D12 has: in CI lavapipe,
 * Mesa's in software. Without one it is skipped with the reason and what to install.
 */
import { describeBackend } from '@ldyn/testkit'
import { describe, expect, it } from 'vitest'
import { available, onnxBackend } from '../src/index.ts'
import { ask, whyNotStarting } from '../src/runtime/probe.ts'

// `.ci/lavapipe` says where it put the driver; the loader reads the variable when the first adapter is asked for.
if (process.env['LDYN_LAVAPIPE']) process.env['VK_ICD_FILENAMES'] = process.env['LDYN_LAVAPIPE']

describeBackend({
  name: 'onnx:webgpu',
  create: () => onnxBackend({ executionProvider: 'webgpu', spin: false }),
})

describe('a provider that does not start', () => {
  it.runIf(process.platform === 'linux')('is named with what to install', async () => {
    const nothing = { ...process.env, VK_ICD_FILENAMES: '/nowhere', VK_DRIVER_FILES: '/nowhere' }
    expect(await ask('webgpu', nothing)).toMatch(
      /^ONNX Runtime's execution provider 'webgpu' does not start here: it finds no GPU adapter; .*apt-get install/,
    )
  })
  it('is what `available` says', async () => {
    expect(await available({ executionProvider: 'webgpu' })).toBe(await whyNotStarting('webgpu'))
  })
})
