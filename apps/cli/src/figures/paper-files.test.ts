import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publishedProxies } from '@ldyn/core'
import { sampleOf } from '@ldyn/figures'
import { proxyOf } from '@ldyn/figures/paper'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { extendMoves, paperMoves, writeSynthetic } from '../../../../packages/figures/test/synthetic-run.ts'
import { commandLine } from '../../test/command-line.ts'
import * as plot from '../commands/plot.ts'
import { figureIds, paperRuns } from './paper-files.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ldyn-paper-'))
  await writeSynthetic(join(root, 'base'), { id: 'base', moves: paperMoves, every: 10 })
  await writeSynthetic(join(root, 'ext'), { id: 'ext', moves: extendMoves, every: 10 })
})
afterAll(() => rm(root, { recursive: true }))

const ldyn = async (...argv: readonly string[]): Promise<string> => (await run(...argv)).out
const run = commandLine([plot])

describe('ldyn plot --figure', () => {
  it('writes SVG, CSV and caption of every figure that can be drawn, and names the others with what makes them', async () => {
    const out = join(root, 'all')
    const said = await ldyn('plot', join(root, 'base'), '--figure', 'all', '--out', out)
    const figures = ['fig1', 'fig3', 'fig4', 'fig8', 'fig9']
    const files = figures.flatMap((name) => ['csv', 'svg', 'txt'].map((ending) => `${name}.${ending}`))
    expect((await readdir(out)).sort()).toEqual(files.sort())
    expect(said).toMatch(/Figure 5 .* not drawn\n {2}lacks {2}The figure compares runs/)
    expect(said).toContain('ldyn train --model')
    const caption = await readFile(join(out, 'fig4.txt'), 'utf8')
    expect(caption).toContain('after Figure 4 of Ren and Sutherland')
    expect(caption).toContain('Where this differs from the paper:')
  })

  it('draws pictures of the figure’s size at 96 dots an inch, times the scale', async () => {
    const out = join(root, 'png')
    await ldyn(
      'plot',
      join(root, 'base'),
      join(root, 'ext'),
      '--figure',
      '5',
      '--out',
      out,
      '--png',
      '--scale',
      '2',
      '--mm',
      '85',
    )
    const png = await readFile(join(out, 'fig5.png'))
    expect(png.readUInt32BE(16) / 2).toBeCloseTo((85 / 25.4) * 96, -1)
    expect(await readFile(join(out, 'fig5.svg'), 'utf8')).toContain('width="85mm"')
  })

  it('answers as JSON with captions, differences and what is lacking', async () => {
    const { data } = JSON.parse(
      await ldyn('plot', join(root, 'base'), '--figure', 'fig3,fig5', '--out', join(root, 'j'), '--json'),
    )
    expect(data.figures).toMatchObject([
      {
        figure: 'fig3',
        drawn: true,
        files: [join(root, 'j', 'fig3.svg'), join(root, 'j', 'fig3.csv'), join(root, 'j', 'fig3.txt')],
      },
      {
        figure: 'fig5',
        drawn: false,
        files: [],
        lacks: [{ command: expect.stringContaining('extend,dpo') }],
      },
    ])
  })

  it('fails where nothing can be drawn, with the command that helps', async () => {
    await expect(
      ldyn('plot', join(root, 'base'), '--figure', 'fig5', '--out', join(root, 'n')),
    ).rejects.toMatchObject({
      code: 'LD2003',
      what: 'Figure 5 cannot be drawn from this',
      fix: expect.stringContaining('ldyn train'),
    })
  })

  it('refuses what means nothing beside it', async () => {
    const base = join(root, 'base')
    await expect(ldyn('plot', base, '--figure', 'fig7')).rejects.toMatchObject({
      what: "there is no figure 'fig7'",
    })
    await expect(ldyn('plot', base, '--figure', 'all', '--change')).rejects.toMatchObject({
      code: 'LD2004',
    })
    await expect(ldyn('plot', base, '--png')).rejects.toMatchObject({
      fix: expect.stringContaining('--figure all'),
    })
    await expect(ldyn('plot', base, '--figure', 'all', '--mm', '0')).rejects.toMatchObject({ code: 'LD2003' })
  })

  it('takes names of figures as people write them', () => {
    expect(figureIds('Fig3, 8,appe,E')).toEqual(['fig3', 'fig8', 'appE', 'appE'])
    expect(figureIds('ALL')).toHaveLength(7)
  })
})

it('SignDelta′ and LBK′ of Figure 8 are those of ldyn kernel, from core', async () => {
  const [run] = await paperRuns([join(root, 'base')])
  const span = { run, stage: run.stages[0], at: [0, 1] }
  const [delta, aNorm, pError] = [
    change(sampleOf(run, 'logp', 'rejected')!),
    sampleOf(run, 'a_norm', 'rejected')!.at[0],
    sampleOf(run, 'p_e', 'rejected')!.at[0],
  ]
  const { lbk, signDelta } = publishedProxies({ delta, aNorm, pError })
  const found = proxyOf(span, 'rejected')!
  expect(found.lbk![0]).toBeCloseTo(lbk, 9)
  expect(found.signDelta[0]).toBeCloseTo(signDelta, 9)
})
const change = ({ at }: { readonly at: readonly (readonly number[])[] }): readonly number[] =>
  at[1].map((x, k) => x - at[0][k])
