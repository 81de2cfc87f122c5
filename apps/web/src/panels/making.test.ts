import type { RunEvent, RunManifest } from '@ldyn/runs'
import { describe, expect, it } from 'vitest'
import {
  blockCommand,
  commandText,
  driftCommand,
  explainAfter,
  gramCommand,
  normCommand,
  observeAfter,
  resumeCommand,
  screenCommand,
  tokensCommand,
  trainAgain,
  type Command,
  type Made,
} from './making.ts'
import { notRecorded } from './not-recorded.ts'

const stages = [
  { name: 'sft', loss: 'sft', updates: 40 },
  { name: 'dpo', loss: 'dpo', updates: 40 },
]
const saved = (stage: string, s: number): RunEvent =>
  ({ type: 'checkpoint', t: 0, stage, s, path: `checkpoints/${String(s).padStart(6, '0')}-${stage}` }) as RunEvent

const made = (manifest: Partial<RunManifest> = {}, own: Partial<Made> = {}): Made => ({
  key: 'hh/first',
  manifest: {
    argv: ['train', '--config', 'hh.yaml'],
    config: {
      probe: "/data/my probes' file.jsonl",
      observe: { limit: 12, types: 'chosen,rejected' },
      tokens: { mode: 'joint' },
      stages: [{ name: 'sft', lr: 1e-4 }, { name: 'dpo', lr: 5e-5 }],
    },
    model: { path: '/models/base', hash: '', params: 1e6 },
    datasets: [{ path: '/data/pairs.jsonl', hash: '', rows: 9 }],
    stages,
    ...manifest,
  } as RunManifest,
  events: [saved('sft', 20), saved('sft', 40), saved('dpo', 80)],
  stages: [
    { name: 'sft', loss: 'sft', from: 0, to: 40 },
    { name: 'dpo', loss: 'dpo', from: 40, to: 80 },
  ],
  ...own,
})
const text = (command: Command | undefined): string => (command === undefined ? '' : commandText(command, 'my runs'))

const CKPT = "'my runs/hh/first/checkpoints/000080-dpo'"
const PROBE = `'/data/my probes'\\'' file.jsonl'`
const RUN = "'my runs/hh/first'"

describe('lines that make what a run lacks', () => {
  it('train again from the settings that the run keeps, into a folder beside it', () => {
    expect(text(trainAgain(made(), 'bands', ['observe.bands=true']))).toBe(
      "ldyn train --config 'my runs/hh/first/run.json' --out 'my runs/hh/first-bands' --set observe.bands=true",
    )
    expect(text(resumeCommand(made()))).toBe(`ldyn train --out ${RUN} --resume`)
  })

  it('ask the newest checkpoint over the rows, types and tokens that were followed', () => {
    const followed = `--probe ${PROBE} --limit 12 --types chosen,rejected --token-mode joint`
    expect(text(observeAfter(made(), '--bands'))).toBe(`ldyn observe --model ${CKPT} ${followed} --bands --jsonl`)
    expect(text(gramCommand(made()))).toBe(`ldyn kernel gram --model ${CKPT} --probe ${PROBE} --limit 8 --types chosen,rejected --token-mode joint --out ${RUN}`)
  })

  it('name the ends of stages for drift, the checkpoint before the last stage for scores, and its rate', () => {
    const before = CKPT.replace('000080-dpo', '000040-sft')
    expect(text(driftCommand(made()))).toContain(`--model ${before} ${CKPT} `)
    expect(driftCommand(made({}, { events: [saved('dpo', 80)] }))).toBeUndefined()
    expect(text(screenCommand(made()))).toContain(`--model ${before} --data ${PROBE}`)
    expect(text(screenCommand(made({}, { events: [] })))).toContain('--model /models/base')
    expect(text(explainAfter(made()))).toContain(
      `--update /data/pairs.jsonl#0 --observe '/data/my probes'\\'' file.jsonl#0' --loss dpo --lr 0.00005`,
    )
    expect(text(tokensCommand(made(), { update: 3, observe: 7, type: 'irr_train' }))).toContain(
      `--update /data/pairs.jsonl#3 --observe '/data/my probes'\\'' file.jsonl#7' --type irr_train --loss dpo`,
    )
    expect(text(blockCommand(made()))).toContain('--update /data/pairs.jsonl#0 --observe /data/pairs.jsonl#1')
    expect(text(normCommand(made()))).toContain('--types chosen,rejected --token-mode joint --out')
  })

  it('of the demo take the rows that it lists, and make the demo anew', () => {
    const demo = made({ argv: ['demo'], config: { demo: 'baseline', stages: [] } })
    expect(text(gramCommand(demo))).toContain("--probe 'my runs/hh/first/probes.json' --limit 8 --out")
    expect(text(trainAgain(demo, 'bands', ['x=1']))).toBe("ldyn demo --out 'my runs/demo-bands'")
  })

  it('keep brackets for what the run does not know, and only there', () => {
    const imported = made({ argv: ['import', 'x'], imported: {} as RunManifest['imported'], config: {} }, { events: [] })
    expect(text(gramCommand(imported))).toBe(`ldyn kernel gram --model <checkpoint> --probe <probes.jsonl> --limit 8 --out ${RUN}`)
    expect(trainAgain(imported, 'bands', [])).toBeUndefined()
    expect(trainAgain(made({ argv: ['sim', 'softmax'] }), 'bands', [])).toBeUndefined()
    expect(text(gramCommand(made({}, { key: 'lab:1' })))).toContain('--out <run>')
    // A file without paths: whoever has the run goes by it.
    const stripped = made({ argv: [], config: { probe: 'probes.jsonl' } })
    expect(text(gramCommand(stripped))).toContain('--probe <probes.jsonl>')
    expect(text(trainAgain(stripped, 'bands', []))).toContain('--config')
    for (const make of [gramCommand, normCommand, blockCommand, screenCommand, resumeCommand, explainAfter])
      expect(text(make(made()))).not.toContain('<')
  })

  it('of a large model look at a few rows first', () => {
    const large = made({ model: { path: 'm', hash: '', params: 135e6 } })
    expect(text(gramCommand(large))).toContain('--limit 4 --types chosen,rejected')
  })

  it('are not promised where nothing can be trained again, or asked', () => {
    const sim = made({ argv: ['sim', 'softmax'] }, { events: [] })
    const missing = (run: Made) =>
      notRecorded(run, 'No bands.', { name: 'bands', settings: [] }, { what: 'As lines', command: 'ldyn observe' })
    expect(missing(sim)).toEqual({ what: 'No bands.' })
    expect(missing(made()).what).toBe('No bands. Trained again with its own settings, the run records it:')
    expect(missing(made()).also!.what).toBe('As lines, from its newest checkpoint and at once:')
  })
})
