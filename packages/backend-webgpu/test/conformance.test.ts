import { describeBackend } from '@ldyn/testkit'
import { useVulkan } from '@ldyn/software-gpu'
import { webgpuBackend, type WebgpuBackend } from '../src/index.ts'

// Where the machine has a card, it is used; else SwiftShader from npm. CI draws more random programs.
const reason = useVulkan()

describeBackend({
  name: 'webgpu',
  create: () => {
    if (reason) throw new Error(reason)
    return webgpuBackend()
  },
  lose: (backend) => (backend as WebgpuBackend).device.destroy(),
  programs: Number(process.env.LDYN_RANDOM_PROGRAMS ?? 40),
})
