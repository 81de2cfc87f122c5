/** Random inputs for whole programs. */
import { inputSpecs, unflatten, type HostTensor, type Program, type Tree } from '@ldyn/tensor'
import { randomTensor, uniform } from './cases.ts'

/** Every input of the program: f32 at a fraction of normal, indices and segments below 3. */
export function inputsOf(program: Program, seed: number, scale = 0.4): Tree<HostTensor> {
  const random = uniform(seed)
  return unflatten(
    inputSpecs(program).map(({ path, value }) => {
      const t = randomTensor(value, random)
      return {
        path,
        value: t.dtype === 'f32' ? { ...t, data: Float32Array.from(t.data, (v) => v * scale) } : t,
      }
    }),
  )
}
