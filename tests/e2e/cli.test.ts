import { copyFileSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { golden, ldyn, root, scratch, start } from './ldyn.ts'

const trl = join(golden, 'trl', 'model')
const pairs = join(golden, 'trl', 'preferences.jsonl')

describe('the built CLI', () => {
  it('has no import of a source file left in it', () => {
    // TypeScript 6.0 leaves the `.ts` of an import() that shares a function with `using`.
    const wrong = ['packages', 'apps'].flatMap((group) =>
      readdirSync(join(root, group)).flatMap((name) => {
        const dist = join(root, group, name, 'dist')
        return filesIn(dist).filter(
          (file) => file.endsWith('.js') && /import\(\s*['"][^'"]+\.ts['"]/.test(readFileSync(file, 'utf8')),
        )
      }),
    )
    expect(wrong).toEqual([])
  })

  it('helps without being asked, with examples, and quickly', async () => {
    const { code, out, err } = await ldyn()
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.match(/^ {2}\$ ldyn /gm)).toHaveLength(3)
  })

  it('ends with 2 at an unknown command and offers the nearest', async () => {
    const { code, out, err } = await ldyn('trian')
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(
      /^error\[LD2001\] unknown command 'trian'\n {2}where {2}ldyn\n {2}fix {4}did you mean train\?/,
    )
  })

  it('tells a failure as one object under --json', async () => {
    const { code, out } = await ldyn('model', 'show', '/nowhere', '--json')
    expect(code).toBe(4)
    expect(JSON.parse(out)).toMatchObject({
      schema: 'ldyn.cli/1',
      ok: false,
      command: 'model show',
      error: { code: 'LD4001', where: '/nowhere' },
    })
  })

  it('does not mind a reader that goes away', async () => {
    const { process: child, finished } = start(['config', 'schema'])
    child.stdout!.destroy()
    expect((await finished).code).toBe(0)
  })
})

describe('ldyn doctor', () => {
  it('finds the embedded backend, and it agrees with the reference', async () => {
    const { code, out } = await ldyn('doctor', '--json')
    const { data } = JSON.parse(out) as {
      data: { backends: { name: string; ok: boolean; deviations: object }[] }
    }
    expect(code).toBe(0)
    const onnx = data.backends.find(({ name }) => name === 'onnx:cpu')
    expect(onnx).toMatchObject({ available: true, ok: true })
    expect(Object.keys(onnx!.deviations)).toEqual(
      expect.arrayContaining(['logp', 'loss', 'grad_norm', 'updated']),
    )
  })
})

describe('ldyn model show', () => {
  it('tells a directory from its headers', async () => {
    const { code, out } = await ldyn('model', 'show', join(golden, 'models', 'llama'), '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      data: {
        family: 'llama',
        format: 'safetensors',
        params: 21664,
        dtypes: ['F32'],
        tied: true,
        config: { vocab: 96 },
      },
    })
  })

  const broken = (damage: (weights: string) => void): string => {
    const folder = join(scratch(), 'model')
    mkdirSync(folder)
    for (const file of ['config.json', 'model.safetensors']) {
      copyFileSync(join(golden, 'models', 'llama', file), join(folder, file))
    }
    damage(join(folder, 'model.safetensors'))
    return folder
  }
  const claims = (bytes: bigint): Uint8Array => {
    const header = new Uint8Array(16)
    new DataView(header.buffer).setBigUint64(0, bytes, true)
    return header
  }
  it.each([
    [
      'a git-LFS pointer',
      'LD3201',
      (file: string) =>
        writeFileSync(
          file,
          `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 123\n`,
        ),
    ],
    [
      'a web page',
      'LD3201',
      (file: string) => writeFileSync(file, '<!DOCTYPE html><html><body>404</body></html>'),
    ],
    ['nothing', 'LD3201', (file: string) => writeFileSync(file, '')],
    ['half of the file', 'LD3202', (file: string) => truncateSync(file, 40_000)],
    ['a header that claims 2^60 bytes', 'LD3203', (file: string) => writeFileSync(file, claims(2n ** 60n))],
  ] as const)('in place of weights %s is one clear error', async (_, code, damage) => {
    const result = await ldyn('model', 'show', broken(damage))
    expect(result.err).toContain(`error[${code}]`)
    expect(result.err).toMatch(/^ {2}where .*model\.safetensors/m)
    expect(result.err).toMatch(/^ {2}fix {4}\S/m)
    expect({ code: result.code, out: result.out }).toEqual({ code: 3, out: '' })
  })

  it('names an architecture that it does not know', async () => {
    const folder = broken(() => {})
    writeFileSync(
      join(folder, 'config.json'),
      '{"model_type": "mamba", "architectures": ["MambaForCausalLM"]}',
    )
    const { code, err } = await ldyn('model', 'show', folder)
    expect(code).toBe(3)
    expect(err).toMatch(/error\[LD3205\][^]*amba/)
  })
})

describe('ldyn observe', () => {
  it('prints one line a response, rows and types in order, exactly the agreed keys', async () => {
    const { code, out } = await ldyn('observe', '--model', trl, '--probe', pairs, '--limit', '2', '--jsonl')
    expect(code).toBe(0)
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.map(({ row, type }) => `${String(row)} ${String(type)}`)).toEqual([
      '0 chosen',
      '0 rejected',
      '1 chosen',
      '1 rejected',
    ])
    expect(Object.keys(lines[0])).toEqual([
      'schema',
      'model',
      'row',
      'type',
      'tokens',
      'logp',
      'argmax_logp',
      'rest_logp',
      'energy',
      'p_e',
      'a_norm',
      'entropy',
    ])
  })

  it('adds token log-probs that sum to logp', async () => {
    const { out } = await ldyn(
      'observe',
      '--model',
      trl,
      '--probe',
      pairs,
      '--limit',
      '1',
      '--types',
      'chosen',
      '--jsonl',
      '--tokens',
    )
    const {
      logp,
      tokens,
      token_logps: each,
    } = JSON.parse(out) as { logp: number; tokens: number; token_logps: number[] }
    expect(each).toHaveLength(tokens)
    expect(each.reduce((a, b) => a + b, 0)).toBeCloseTo(logp, 4)
  })

  it('names the line of a file that stops in the middle', async () => {
    const file = join(scratch(), 'half.jsonl')
    writeFileSync(file, '{"prompt": "a", "chosen": "b"}\n{"prompt": "c", "cho')
    const { code, err } = await ldyn('observe', '--model', trl, '--probe', file)
    expect(code).toBe(3)
    expect(err).toMatch(/^ {2}where .*half\.jsonl, line 2/m)
  })
})

describe('ldyn train', () => {
  const job = (out: string, ...more: string[]): string[] => [
    'train',
    '--model',
    trl,
    '--data',
    pairs,
    '--stages',
    'sft,dpo',
    '--probe',
    pairs,
    '--limit',
    '4',
    '--out',
    out,
    '--updates',
    '12',
    '--lr',
    '1e-4',
    '--every',
    '4',
    '--threads',
    '1',
    ...more,
  ]
  const scalars = (run: string): unknown[] =>
    readFileSync(join(run, 'scalars.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => {
        const { t: _, ...rest } = JSON.parse(line) as Record<string, unknown>
        return rest
      })
  const probes = (run: string): Buffer => readFileSync(join(run, 'probe', 'logp.f32'))

  it('stopped by Ctrl-C saves, ends with 130, and goes on to the numbers of an undisturbed run', async () => {
    const folder = scratch()
    const [whole, stopped] = [join(folder, 'whole'), join(folder, 'stopped')]
    expect((await ldyn(...job(whole))).code).toBe(0)
    const running = start(job(stopped, '--progress', 'jsonl'))
    await running.says(/"progress":"sft","done":5,/)
    running.process.kill('SIGINT')
    const { code, err } = await running.finished
    expect(code).toBe(130)
    expect(err).toContain('stopping after this update')
    expect((await ldyn('train', '--out', stopped, '--resume')).code).toBe(0)
    expect(scalars(stopped)).toEqual(scalars(whole))
    expect(probes(stopped).equals(probes(whole))).toBe(true)
  })

  it('does not write into a run that is there, nor resume it with other settings', async () => {
    const run = join(scratch(), 'run')
    expect((await ldyn(...job(run, '--updates', '1'))).code).toBe(0)
    const again = await ldyn(...job(run, '--updates', '1'))
    expect(again).toMatchObject({ code: 8 })
    expect(again.err).toContain('error[LD8003]')
    const other = await ldyn('train', '--out', run, '--resume', '--lr', '1e-3')
    expect(other).toMatchObject({ code: 8 })
    expect(other.err).toContain('error[LD8004] the run was begun with another stages.sft.lr')
  })

  it('at a number that is not finite ends with 6 and says which update and op', async () => {
    const run = join(scratch(), 'run')
    const { code, err } = await ldyn(
      ...job(run, '--optimizer', 'sgd', '--lr', '1e30', '--warmup', '0', '--max-grad-norm', '0'),
    )
    expect(code).toBe(6)
    expect(err).toMatch(
      /error\[LD6001\] update \d+ of stage 'sft' made a number that is not finite, first in \w+/,
    )
  })

  it('measures a dry run and writes nothing', async () => {
    const run = join(scratch(), 'run')
    const { code, out } = await ldyn(...job(run, '--dry-run', '--json'))
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      command: 'train',
      data: { dryRun: true, steps: 24, evaluations: 7 },
    })
    expect(() => readdirSync(run)).toThrow('ENOENT')
  })
})

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? filesIn(join(folder, entry.name)) : [join(folder, entry.name)],
    )
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
