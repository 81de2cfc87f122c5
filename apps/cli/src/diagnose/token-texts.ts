/** The text of the tokens that fell most, where the run's own model, and with it its tokenizer, is still there. */
import { encodeEach, tokenDefaults, type Diagnosis } from '@ldyn/lab'
import { openModel } from '@ldyn/models/node'
import { layerOf } from '../config/assignments.ts'
import { resolve, tokenOptions } from '../config/resolve.ts'
import type { Subject } from './subject.ts'

/** `row token` → the token's text, for the type that each stage's carriers are of. */
export type TokenTexts = ReadonlyMap<string, string>

/** Empty for a log, for runs without token data, and where the model has gone. */
export async function tokenTexts({ manifest, run }: Subject, { stages }: Diagnosis): Promise<TokenTexts> {
  const texts = new Map<string, string>()
  const wanted = stages.flatMap(({ carriers }) =>
    (carriers?.top ?? [])
      .filter(({ tokens }) => tokens?.length)
      .map((one) => ({ ...one, type: carriers!.type })),
  )
  if (wanted.length === 0 || manifest.imported || !run.probes) return texts
  try {
    await using checkpoint = await openModel(manifest.model.path)
    const tokenizer = await checkpoint.tokenizer()
    const defaults = tokenDefaults(checkpoint.model.context)
    const options = tokenOptions(resolve([layerOf(manifest.config, () => 'run.json')]), defaults)
    for (const { row, type, tokens } of wanted) {
      const { prompt, responses } = run.probes.rows[row]
      const given = { row, where: `probe ${row}`, prompt, responses, templated: false }
      const [sequence] = encodeEach([given], type, tokenizer, options).byRow[0]
      const column = run.probes.columns.find((one) => one.row === row && one.type === type)
      // A response that is not tokenised as it was (a templated prompt) has no texts, rather than wrong ones.
      if (sequence?.response.length !== column?.tokens) continue
      for (const { token } of tokens!)
        texts.set(`${row} ${token}`, tokenizer.decode([sequence.response[token]]))
    }
  } catch (error) {
    if (!['ModelError', 'FormatError'].includes((error as Error).name)) throw error
  }
  return texts
}
