// Pretrains the demo's base model with ldyn's own trainer, on the corpus of this folder.
//
//   npx turbo run build --filter=ldyn...      first: this imports the built packages
//   node make-model.mjs [folder]              folder: model/ beside this file, which it replaces
//
// The same machine gives the same bytes again. made.json, written last, says what the weights were made of (hashes)
// and how well the model knows what it was trained on and what it was not.
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { onnxBackend } from '@ldyn/backend-onnx'
import { disposeTree, encodeRows, Evaluator, stageExamples, StageRunner, tokenDefaults, uploadAll } from '@ldyn/lab'
import { buildModel, initParams, readHuggingFaceConfig, tokenizerFromFiles } from '@ldyn/models'
import { saveModel, tokenizerFilesIn } from '@ldyn/models/node'
import { leaves } from '@ldyn/tensor'
import { MODEL, origins, settings, sha256, texts } from './model-recipe.mjs'

/** @param {readonly import('./model-recipe.mjs').Document[]} documents @returns {import('@ldyn/lab').Row[]} */
const rowsOf = (documents) => documents.map(({ prompt, completion }, row) =>
  ({ row, where: `corpus:${row + 1}`, prompt, responses: { chosen: completion }, templated: false }))

/**
 * Trains from random weights. Returns the model, the weights' values by path, and nats a token of every text.
 * @param {typeof settings} how
 * @param {(done: number, total: number, loss: number) => void} progress
 */
export async function pretrain(how, progress = () => {}) {
  const { config, special } = readHuggingFaceConfig(readFileSync(join(MODEL, 'config.json'), 'utf8'), MODEL)
  const built = buildModel(config)
  const tokenizer = tokenizerFromFiles(await tokenizerFilesIn(MODEL), MODEL)
  const encode = (/** @type {{prompt: string, completion: string}[]} */ documents) =>
    encodeRows(rowsOf(documents), ['chosen'], tokenizer, tokenDefaults(built.context)).rows
  // Documents open in one of two ways, so packing puts a batch into a few rows; short ones waste least.
  const plan = { packed: true, maxRowLength: 256, maxShapes: 3 }
  const { train, ...unseen } = texts()
  const backend = await onnxBackend({})

  /** @type {import('@ldyn/lab').StageConfig} */
  const stage = {
    name: 'pretrain', loss: { name: 'sft', reduction: 'token-mean' }, targets: ['chosen'], epochs: how.passes,
    batch: how.batch, accumulate: 1, lr: how.lr, schedule: { name: 'cosine', warmup: how.warmup }, maxGradNorm: 1,
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: how.decay },
    shuffle: true, dropLast: false,
  }
  const initial = leaves(initParams(built, how.seed)).map(({ path, value }) => ({ path, tensor: value }))
  let weights = { params: await uploadAll(backend, (async function* () { yield* initial })()), state: {} }
  const runner = new StageRunner({
    backend, model: built, stage, examples: stageExamples(stage, encode(train)), seed: how.seed, plan,
  })
  weights = { ...weights, state: await runner.freshState() }
  for (let u = 0; u < runner.updates; u++) {
    const done = await runner.update(u, weights, new Map())
    weights = done.weights
    progress(u + 1, runner.updates, done.report.metrics.loss)
  }
  runner[Symbol.dispose]()

  /** @type {Record<string, number>} */
  const nats = {}
  for (const [name, documents] of Object.entries({ train, ...unseen })) {
    const evaluator = new Evaluator(backend, built, encode(documents), plan)
    let [sum, tokens] = [0, 0]
    for await (const group of evaluator.evaluate(weights.params)) {
      for (const { logp } of group) [sum, tokens] = [sum + logp.reduce((a, b) => a + b, 0), tokens + logp.length]
    }
    evaluator[Symbol.dispose]()
    nats[name] = Number((-sum / tokens).toFixed(4))
  }
  const values = new Map()
  for (const { path, value } of leaves(weights.params)) values.set(path, await backend.read(value))
  disposeTree(weights.params)
  disposeTree(weights.state)
  await backend.dispose()
  return { model: built, special, tokenizer, values, nats }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = resolve(process.argv[2] ?? MODEL)
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  let shown = 0
  const made = await pretrain(settings, (done, total, loss) => {
    if (seconds() - shown < 2 && done < total) return
    shown = seconds()
    const left = (shown / done) * (total - done)
    process.stderr.write(`update ${done}/${total}  loss ${loss.toFixed(3)}  ${left.toFixed(0)} s to go\n`)
  })
  await saveModel(folder, {
    model: made.model, params: (path) => made.values.get(path), tokenizerFiles: made.tokenizer.files,
    special: made.special, overwrite: true,
  })
  const record = {
    settings, from: origins(folder), weights: sha256(readFileSync(join(folder, 'model.safetensors'))),
    natsPerToken: made.nats,
  }
  writeFileSync(join(folder, 'made.json'), `${JSON.stringify(record, null, 2)}\n`)
  process.stderr.write(`${folder} written in ${seconds().toFixed(0)} s\n`)
  process.stdout.write(`${JSON.stringify(made.nats, null, 2)}\n`)
}
