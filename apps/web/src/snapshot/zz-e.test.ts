import { it } from 'vitest'
import { directoryFiles } from '@ldyn/runs/node'
import { openRun } from '@ldyn/runs'
import { readdirSync, existsSync } from 'node:fs'
import { makeSnapshot } from './write.ts'
import { stillOf } from './still.ts'
import { estimateBytes } from './estimate.ts'
import { STANDARD } from './offer.ts'
it('x', async () => {
  const dirs = readdirSync('/work/runs').flatMap(n => existsSync(`/work/runs/${n}/run.json`) ? [`/work/runs/${n}`] : readdirSync(`/work/runs/${n}`).map(m => `/work/runs/${n}/${m}`)).filter(d => existsSync(d+'/run.json'))
  for (const d of dirs) {
    const files = directoryFiles(d)
    const run = await openRun(files)
    const summary: any = { key: 'a', id: run.manifest.id, created: '', state: 'done', model: '', params: 0, stages: [], step: 0, updates: 0, evaluations: 0, probes: 0, types: 0, warnings: [], sparks: {} }
    for (const o of [STANDARD, { ...STANDARD, values: 'f32' as const }, { ...STANDARD, text: 'remove' as const }, {...STANDARD, steps: 50}]) {
      const s = await makeSnapshot({ runs: [{ summary, files }], options: o, made: '2026', version: '1' })
      const still = (await stillOf(s.container)).length
      const est = await estimateBytes([files], o, 490_000)
      const real = 490_000 + s.data.length * 4 / 3 + still
      console.log(d.slice(11).padEnd(36), o === STANDARD ? 'std' : JSON.stringify([o.values, o.text, o.steps]), 'data', Math.round(s.data.length * 4 / 3), 'still', still, 'est', est - 490_000, 'ratio total', (est / real).toFixed(2), 'data+still', ((est-490000)/(real-490000)).toFixed(2), 'ev', run.evaluations.length, 'types', run.types.length, 'sc', [...run.scalars.values()].reduce((a,c)=>a+c.steps.length,0))
    }
  }
}, 300000)
