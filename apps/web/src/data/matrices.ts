// Matrices beside a run (kernel/<name>.safetensors, written by `ldyn kernel … --out <run>`): the header first,
// then the one matrix that is shown. What the header says of a matrix is JSON in strings.
import { openSafetensors, type Span } from '@ldyn/formats'
import type { RunFiles } from '@ldyn/runs'

export interface Matrices {
  /** Shapes by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>
  /** A value of the header, undefined where it has none of that name or it is no JSON. */
  about(name: string): unknown
  /** Row by row, all of it or a span. Throws FormatError. */
  read(name: string, span?: Span): Promise<Float32Array>
}

/** Throws FormatError for a file that is cut off or no safetensors file, Error where there is none. */
export const openMatrices = async (files: RunFiles, path: string): Promise<Matrices> => {
  const size = await files.size(path)
  if (size === undefined) throw new Error(`${files.name}/${path} is not there`)
  const file = await openSafetensors({
    name: `${files.name}/${path}`,
    size,
    read: (offset, length) => files.read(path, offset, length),
  })
  return {
    shapes: new Map([...file.tensors].map(([name, { shape }]) => [name, shape])),
    about(name) {
      const text = file.metadata[name]
      if (text === undefined) return undefined
      try {
        return JSON.parse(text) as unknown
      } catch {
        return text
      }
    },
    read: (name, span) => file.readF32(name, span),
  }
}

/** A token as it is seen: spaces, line ends and bytes that are no text have a visible sign (ux.md R12). */
export const tokenText = (text: string): string =>
  text
    .replaceAll(' ', '␣')
    .replaceAll('\n', '↵')
    .replaceAll('\t', '⇥')
    .replaceAll('\r', '␍')
    .replaceAll('\ufffd', '⟨byte⟩') || '∅'
