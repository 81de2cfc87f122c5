/**
 * Where --out puts a kernel: one .npy (the main matrix), one .safetensors (all matrices, and what they are of in
 * its header), or a run directory, in which it becomes kernel/<name>.safetensors (ux.md §2.4).
 */
import { stat } from 'node:fs/promises'
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
