// What the demo's base model is made of, apart from the making (make-model.mjs), so that a test can ask.
//
//   node model-recipe.mjs          prints {settings, from, texts} as JSON
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { corpus, demoCorpus } from './make-corpus.mjs'

/** @typedef {{prompt: string, completion: string}} Document */

const here = fileURLToPath(new URL('.', import.meta.url))
export const MODEL = join(here, 'model')

/** How the model is trained; README.md says how these were chosen. */
export const settings = { seed: 7, passes: 3, lr: 2e-3, decay: 1, batch: 8, warmup: 30 }

/** Of the corpus, every so many documents one is kept aside, to measure on. */
const KEPT_ASIDE = 10

/** @param {string | Uint8Array} data */
export const sha256 = (data) => createHash('sha256').update(data).digest('hex')
/** @param {string} name */
const read = (name) => readFileSync(join(here, name), 'utf8')

/** What the weights depend on, by hash: the corpus, and the config and tokenizer as they stand in `folder`. */
export const origins = (folder = MODEL) => ({
  corpus: sha256(JSON.stringify(demoCorpus())),
  config: sha256(readFileSync(join(folder, 'config.json'))),
  tokenizer: sha256(readFileSync(join(folder, 'tokenizer.json'))),
})

/**
 * The documents to train on, and texts that the model never sees: of the corpus, and the preference set's answers.
 * @returns {Record<'train' | 'handwritten' | 'generated' | 'chosen' | 'rejected', Document[]>}
 */
export function texts() {
  const documents = demoCorpus()
  const byHand = new Set(corpus(read('handwritten.txt'), { count: 0 }).map(({ completion }) => completion))
  /** @param {boolean} hand */
  const aside = (hand) => documents.filter((d) => byHand.has(d.completion) === hand)
    .filter((_, i) => i % KEPT_ASIDE === KEPT_ASIDE - 1)
  const [handwritten, generated] = [aside(true), aside(false)]
  const unseen = new Set([...handwritten, ...generated])
  const preferences = read('preferences.jsonl').trim().split('\n').map((line) => JSON.parse(line))
  return {
    train: documents.filter((d) => !unseen.has(d)),
    handwritten,
    generated,
    chosen: preferences.map(({ prompt, chosen }) => ({ prompt, completion: chosen })),
    rejected: preferences.map(({ prompt, rejected }) => ({ prompt, completion: rejected })),
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(JSON.stringify({ settings, from: origins(), texts: texts() }))
}
