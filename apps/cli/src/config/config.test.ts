import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CliError } from '../contract/errors.ts'
import { layerOf } from './assignments.ts'
import { PRESETS } from './presets.ts'
import { asTree, defaultPaths, origins, resolve, stageConfig, valueAt, type Config } from './resolve.ts'
import { configSchema, jsonSchema, STAGE_KINDS } from './schema.ts'
import { envLayer, fileLayer, flagLayer, joined, setLayer } from './sources.ts'

const scratch = mkdtempSync(join(tmpdir(), 'ldyn-config-'))
const file = (text: string): string => {
  const path = join(scratch, `${Math.random().toString(36).slice(2)}.yaml`)
  writeFileSync(path, text)
  return path
}
const from = (tree: unknown) => layerOf(tree, () => 'here')
const originOf = (config: Config, path: string) => origins(config).find((o) => o.path === path)
const failure = async (work: () => unknown): Promise<CliError> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof CliError) return error
    throw error
  }
  throw new Error('it did not fail')
}

describe('precedence', () => {
  const none = () => {}
  const flags = flagLayer({ lr: { flag: '--lr', value: 4e-6 } })
  const env = envLayer({ LDYN_LR: '3e-6' }, none)
  const yaml = from({ stages: 'dpo', lr: 2e-6, preset: 'trl' })

  it('is flags over environment over file over preset over default', () => {
    const at = (config: Config) => originOf(config, 'stages.dpo.lr')
    expect(at(resolve([yaml, env, flags]))).toMatchObject({ value: 4e-6, origin: '--lr' })
    expect(at(resolve([yaml, env]))).toMatchObject({ value: 3e-6, origin: 'LDYN_LR' })
    expect(at(resolve([yaml]))).toMatchObject({ value: 2e-6, origin: 'here' })
    expect(at(resolve([from({ stages: 'dpo', preset: 'trl' })]))).toMatchObject({
      value: 1e-6,
      origin: 'preset trl',
    })
    expect(at(resolve([from({ stages: 'dpo' })]))).toMatchObject({ value: 5e-7, origin: 'default' })
  })

  it('puts what is said of one stage over what is said of all, within a layer', () => {
    const line = joined([setLayer(['stages.dpo.lr=9e-6']), flags])
    const config = resolve([from({ stages: 'sft,dpo' }), line])
    expect(originOf(config, 'stages.dpo.lr')).toMatchObject({ value: 9e-6 })
    expect(originOf(config, 'stages.sft.lr')).toMatchObject({ value: 4e-6 })
  })

  it("puts a flag for all stages over the file's word on one", () => {
    const config = resolve([from({ stages: [{ name: 'dpo', lr: 1e-6 }] }), flags])
    expect(originOf(config, 'stages.dpo.lr')).toMatchObject({ value: 4e-6, origin: '--lr' })
  })

  it('takes the settings of a run from its run.json, and flags over them', async () => {
    const run = { schema: 'ldyn.run/1', id: 'a', config: { stages: [{ name: 'dpo', kind: 'dpo', lr: 2e-6 }], out: '/runs/a' } }
    const path = file(JSON.stringify(run))
    const config = resolve([await fileLayer(path), flagLayer({ out: { flag: '--out', value: 'runs/a-again' } })])
    expect(originOf(config, 'stages.dpo.lr')).toMatchObject({ value: 2e-6, origin: `${path}:1` })
    expect(valueAt(config, 'out')).toBe('runs/a-again')
  })

  it('lets the later of updates and epochs stand alone', () => {
    const config = resolve([from({ stages: 'sft', updates: 40 }), setLayer(['epochs=2'])])
    expect(originOf(config, 'stages.sft.updates')).toBeUndefined()
    expect(originOf(config, 'stages.sft.epochs')).toMatchObject({ value: 2 })
  })
})

describe('keys', () => {
  it('are strict, and an unknown one names the nearest and the line', async () => {
    const path = file('model: m\nstages:\n  - name: dpo\n    lable_smoothing: 0.1\n')
    const error = await failure(() => fileLayer(path))
    expect(error).toMatchObject({ code: 'LD3002', where: `${path}:4`, exit: 3 })
    expect(error.fix).toMatch(/label_?smoothing/i)
  })

  it('of sections are strict too', async () => {
    expect(await failure(() => from({ tokens: { maxLenght: 3 } }))).toMatchObject({
      code: 'LD3002',
      fix: 'did you mean tokens.maxLength?',
    })
  })

  it("are taken under TRL's names where these map one to one", () => {
    const config = resolve([
      from({
        model_name_or_path: 'm',
        learning_rate: 1e-5,
        per_device_train_batch_size: 2,
        gradient_accumulation_steps: 8,
        max_steps: 7,
        max_grad_norm: 1,
        warmup_steps: 3,
        lr_scheduler_type: 'constant_with_warmup',
        optim: 'adamw_torch',
        adam_beta2: 0.95,
        weight_decay: 0.1,
        label_smoothing: 0.1,
        max_length: 512,
        loss_type: 'sigmoid',
        beta: 0.3,
      }),
    ])
    expect(config.warnings).toEqual([])
    expect(valueAt(config, 'model')).toBe('m')
    expect(valueAt(config, 'tokens.maxLength')).toBe(512)
    expect(stageConfig(config.stages[0], 100)).toEqual({
      name: 'dpo',
      loss: { name: 'dpo', beta: 0.3, labelSmoothing: 0.1, referenceFree: false },
      targets: [],
      updates: 7,
      batch: 2,
      accumulate: 8,
      lr: 1e-5,
      schedule: { name: 'constant', warmup: 3 },
      optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 },
      maxGradNorm: 1,
      shuffle: true,
      dropLast: true,
    })
  })

  it('of TRL with values that have no counterpart are an error that lists those that do', async () => {
    expect(await failure(() => from({ lr_scheduler_type: 'polynomial' }))).toMatchObject({
      code: 'LD3003',
      fix: 'use one of linear, cosine, constant, constant_with_warmup',
    })
  })

  it("name losses as TRL does, with what TRL's name says beside it", () => {
    const stage = (tree: object) => {
      const { stages, warnings } = resolve([from(tree)])
      expect(warnings).toEqual([])
      return stageConfig(stages[0], 100).loss
    }
    expect(stage({ loss_type: 'simpo', simpo_gamma: 0.7, cpo_alpha: 0.2, beta: 2.5 })).toMatchObject({
      name: 'simpo',
      beta: 2.5,
      gamma: 0.7,
      alpha: 0.2,
    })
    expect(stage({ loss_type: ['sigmoid', 'sft'], loss_weights: [1, 0.5] })).toMatchObject({
      name: 'rpo',
      beta: 0.1,
      alpha: 0.5,
      reduction: 'token-mean',
    })
    expect(stage({ stages: 'rpo', rpo_alpha: 2 })).toMatchObject({ alpha: 2, reduction: 'mean' })
    const hinge = { name: 'slic', delta: 1, beta: 0.1, referenceFree: false, alpha: 0 }
    expect(stage({ loss_type: 'hinge' })).toMatchObject(hinge)
    expect(stage({ beta: 0.4, loss_type: 'hinge' })).toMatchObject({ ...hinge, beta: 0.4 })
    expect(stage({ stages: [{ loss_type: 'hinge', name: 'h' }] })).toMatchObject(hinge)
    expect(stage({ stages: 'slic' })).toMatchObject({ beta: 1, referenceFree: true })
    expect(stage({ loss_type: 'sppo_hard', beta: 0.01 })).toEqual({ name: 'sppo', beta: 0.01, form: 'true' })
    expect(stage({ stages: 'dpop', dpop_lambda: 50 })).toEqual({ name: 'dpop', beta: 0.1, lambda: 50 })
    expect(stage({ loss_type: 'kto', desirable_weight: 1.3 })).toEqual({
      name: 'kto',
      beta: 0.1,
      desirableWeight: 1.3,
      undesirableWeight: 1,
    })
    expect(stage({ loss_type: 'orpo' })).toMatchObject({ name: 'orpo', alpha: 1, reduction: 'mean' })
  })

  it('name a loss that is none: an error that lists those that are', async () => {
    const error = await failure(() => from({ loss_type: 'bco_pair' }))
    expect(error).toMatchObject({ code: 'LD3003', what: "loss_type 'bco_pair' has no counterpart here" })
    expect(error.fix).toMatch(/sigmoid, ipo, hinge.*gate-dpo/)
    expect((await failure(() => from({ loss_weights: [2, 1] }))).fix).toMatch(/give \[1, α\]/)
  })

  it('of a gate appear only where there is one, and are a warning where it is off', () => {
    const gated = resolve([from({ stages: 'gate-dpo' })])
    expect(stageConfig(gated.stages[0], 9).loss).toMatchObject({
      name: 'dpo',
      gate: { statistic: 'mean', sharpness: 50, threshold: 0.1 },
    })
    expect(stageConfig(resolve([from({ stages: 'ipo', gate: 'quantile' })]).stages[0], 9).loss).toMatchObject({
      gate: { statistic: 'quantile' },
    })
    const plain = resolve([from({ stages: 'dpo', gateThreshold: 0.2 })])
    expect(stageConfig(plain.stages[0], 9).loss).not.toHaveProperty('gate')
    expect(plain.stages[0].settings).not.toHaveProperty('gateSharpness')
    expect(plain.warnings).toEqual(["stage 'dpo': gate: none has no use for gateThreshold (here)"])
  })

  it('of every kind of stage make a loss', async () => {
    const { lossOf } = await import('@ldyn/lab')
    for (const kind of STAGE_KINDS) {
      const config = resolve([from({ stages: kind })])
      const loss = lossOf(stageConfig(config.stages[0], 100).loss)
      expect(loss.name).toBe(kind === 'extend' ? 'sft' : kind)
      // The config that a run keeps gives the same stage again.
      expect(resolve([from(asTree(config))]).stages.map((s) => stageConfig(s, 100))).toEqual(
        config.stages.map((s) => stageConfig(s, 100)),
      )
    }
  })

  it('of the environment that mean nothing are a warning', () => {
    const said: string[] = []
    envLayer({ LDYN_BATHC: '3', LDYN_REQUIRE: 'onnx', PATH: '/bin' }, (text) => said.push(text))
    expect(said).toEqual(['LDYN_BATHC is no setting and was ignored; did you mean LDYN_BATCH?'])
  })

  it('nest in the environment by two underscores', () => {
    const layer = envLayer(
      { LDYN_TOKENS__MAX_LENGTH: '512', LDYN_STAGES: 'sft,dpo', LDYN_STAGES__DPO__LR: '1e-6' },
      () => {},
    )
    const config = resolve([layer])
    expect(valueAt(config, 'tokens.maxLength')).toBe(512)
    expect(originOf(config, 'stages.dpo.lr')).toMatchObject({ value: 1e-6, origin: 'LDYN_STAGES__DPO__LR' })
  })
})

describe('values', () => {
  it('out of range say key, value and origin', async () => {
    expect(await failure(() => setLayer(['lr=-1']))).toMatchObject({ code: 'LD3003', where: '--set lr' })
    expect((await failure(() => setLayer(['lr=-1']))).why).toMatch(/^it is -1: /)
  })

  it('of a file that is not YAML name the line', async () => {
    const path = file('model: m\nstages: [sft\n')
    expect(await failure(() => fileLayer(path))).toMatchObject({ code: 'LD3001' })
  })

  it('of a missing file are exit code 4', async () => {
    expect(await failure(() => fileLayer(join(scratch, 'none.yaml')))).toMatchObject({
      code: 'LD4003',
      exit: 4,
    })
  })

  it('of a file that is not UTF-8 are told as such', async () => {
    const path = file('')
    writeFileSync(path, Uint8Array.of(0x6d, 0x3a, 0x20, 0xff, 0xfe))
    expect(await failure(() => fileLayer(path))).toMatchObject({
      code: 'LD3001',
      what: 'the config file is not UTF-8 text',
    })
  })
})

describe('stages', () => {
  it('begin as the released code trains: RMSprop, 5e-7, batch 4, clip 10, SFT summed per sequence', () => {
    const [sft] = resolve([from({ stages: 'sft' })]).stages
    expect(stageConfig(sft, 5000)).toEqual({
      name: 'sft',
      loss: { name: 'sft', reduction: 'sum' },
      targets: ['chosen'],
      epochs: 1,
      batch: 4,
      accumulate: 1,
      lr: 5e-7,
      schedule: { name: 'paper', warmup: 125 },
      optimizer: { name: 'rmsprop', alpha: 0.99, eps: 1e-8, weightDecay: 0 },
      maxGradNorm: 10,
      shuffle: true,
      dropLast: true,
    })
  })

  it('warm up for a tenth of their updates, 150 at most', () => {
    const warmup = (updates: number) =>
      stageConfig(resolve([from({ stages: 'dpo', updates })]).stages[0], 1).schedule.warmup
    expect([warmup(40), warmup(10_000)]).toEqual([4, 150])
  })

  it('of kind extend learn chosen and rejected', () => {
    const [extend] = resolve([from({ stages: 'extend' })]).stages
    expect(stageConfig(extend, 10).targets).toEqual(['chosen', 'rejected'])
  })

  it('of one kind twice get names of their own', () => {
    expect(resolve([from({ stages: 'sft,dpo,sft' })]).stages.map((s) => s.name)).toEqual([
      'sft',
      'dpo',
      'sft-2',
    ])
  })

  it('that are not there cannot be set', async () => {
    expect(
      await failure(() => resolve([from({ stages: 'sft' }), setLayer(['stages.dpo.lr=1'])])),
    ).toMatchObject({
      code: 'LD3002',
      why: 'the stages are sft',
    })
  })

  it('are warned of settings that they have no use for, where these were said of them alone', () => {
    expect(resolve([from({ stages: [{ name: 'sft', beta: 0.2 }] })]).warnings).toEqual([
      "stage 'sft' (sft) has no use for beta (here)",
    ])
    expect(resolve([from({ stages: 'sft,dpo', beta: 0.2 })]).warnings).toEqual([])
  })

  it('come back from what a run keeps of them', () => {
    const config = resolve([from({ stages: 'sft,extend,dpo,ipo', preset: 'trl', lr: 3e-6, model: 'm' })])
    const again = resolve([from(asTree(config))])
    expect(asTree(again)).toEqual(asTree(config))
  })
})

it('a run can say which settings nobody made: those of no flag, file, variable or preset', () => {
  const flags = flagLayer({ seed: { flag: '--seed', value: 3 } })
  const config = resolve([from({ stages: [{ name: 'sft' }, { name: 'simpo', lr: 1e-6 }], preset: 'trl' }), flags])
  const left = defaultPaths(config)
  // The preset is a choice, and so is what differs by kind in it.
  for (const path of ['backend', 'observe.every', 'stages.0.shuffle', 'stages.1.accumulate'])
    expect(left, path).toContain(path)
  for (const path of ['seed', 'tokens.mode', 'stages.0.lr', 'stages.1.lr', 'stages.1.gamma'])
    expect(left, path).not.toContain(path)
  const tree = asTree(config)
  const at = (path: string): unknown =>
    path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], tree)
  for (const path of left) expect(at(path), path).toBeDefined()
})

describe('the schema', () => {
  it('is JSON Schema that refuses other keys and accepts what `config show` prints', () => {
    const schema = jsonSchema(Object.keys(PRESETS)) as { additionalProperties: boolean; properties: object }
    expect(schema.additionalProperties).toBe(false)
    expect(Object.keys(schema.properties)).toContain('stages')
    const shown = asTree(resolve([from({ stages: 'sft,dpo', model: 'm' })]))
    expect(configSchema(Object.keys(PRESETS)).safeParse(shown).success).toBe(true)
  })
})
