/** Whether the backend can be had. In a file of its own, since its declaration must not need tfjs's types. */
import { UnsupportedError } from '@ldyn/tensor'
import type { TfjsOptions } from '../options.ts'
import { openEngine } from './open.ts'

/** Why the backend cannot be had with these options, in a sentence that says what to install; undefined if it can. */
export async function available(options: TfjsOptions = {}): Promise<string | undefined> {
  try {
    await openEngine(options)
    return undefined
  } catch (error) {
    if (error instanceof UnsupportedError) return error.message
    throw error
  }
}
