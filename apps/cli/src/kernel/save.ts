/**
 * Where --out puts a kernel: one .npy (the main matrix), one .safetensors (all matrices, and what they are of in
 * its header), or a run directory, in which it becomes kernel/<name>.safetensors (ux.md §2.4).
 */
import { readFile, stat } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { writeNpy } from '@ldyn/formats'
import { makeFolder, writeAtomically, writeSafetensorsFile } from '@ldyn/formats/node'
import { CliError } from '../contract/errors.ts'

export interface SavedMatrix {
  readonly name: string
  readonly shape: readonly number[]
  readonly data: Float64Array
}

/** Refuses what could not be written before anything is computed. Throws CliError LD2003. */
export async function checkOut(out: string | undefined): Promise<void> {
  if (out === undefined || ['.npy', '.safetensors'].includes(extname(out))) return
  const isRun = await stat(join(out, 'run.json')).then(
    () => true,
    () => false,
  )
  if (!isRun)
    throw new CliError({
      code: 'LD2003',
      what: '--out is no file of a known kind and no run',
      where: out,
      why: 'a kernel is written as .safetensors or .npy, or into a run directory',
      fix: `give ${out}.safetensors or ${out}.npy`,
    })
}

/**
 * How many updates a model is from the run's beginning: what --step says, or what the checkpoint that a run wrote says
 * of itself; undefined for any other model.
 */
export async function stepOf(model: string, given?: number): Promise<number | undefined> {
  if (given !== undefined) return given
  const text = await readFile(join(model, 'checkpoint.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const { step } = JSON.parse(text) as { step?: unknown }
    return Number.isSafeInteger(step) ? (step as number) : undefined
  } catch {
    return undefined
  }
}

/**
 * The name of a kernel in a run: with its step in front of what it is of, so that those of other steps and pairs stay
 * beside it: `gram-000040`, `tokens-000040-u3-o0-chosen`.
 */
export const kernelName = (kind: string, step: number | undefined, ...of: readonly string[]): string =>
  [kind, ...(step === undefined ? [] : [String(step).padStart(6, '0')]), ...of]
    .join('-')
    .replace(/[^\w.-]+/g, '_')

/**
 * Writes f64 matrices, the first of them the main one; `about` goes into the header of a safetensors file. Returns
 * the path. Throws FormatError.
 */
export async function saveMatrices(
  out: string,
  name: string,
  matrices: readonly SavedMatrix[],
  about: Readonly<Record<string, unknown>>,
): Promise<string> {
  if (extname(out) === '.npy') {
    const [{ shape, data }] = matrices
    await makeFolder(dirname(out))
    await writeAtomically(out, (sink) => writeNpy(sink, shape, data))
    return out
  }
  const path = extname(out) === '.safetensors' ? out : join(out, 'kernel', `${name}.safetensors`)
  await makeFolder(dirname(path))
  await writeSafetensorsFile(
    path,
    matrices.map(({ name: key, shape, data }) => ({ name: key, shape, dtype: 'F64' as const, data })),
    {
      metadata: Object.fromEntries(
        Object.entries({ schema: 'ldyn.kernel/1', ...about }).map(([key, value]) => [
          key,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
      ),
    },
  )
  return path
}
