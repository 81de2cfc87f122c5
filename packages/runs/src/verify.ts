// `ldyn runs verify`: everything that can be wrong with a run directory, as a list; it never throws for a
// bad run.
import { dataFiles, readContents } from './contents.ts'
import { RunError } from './error.ts'
import type { RunFiles } from './files.ts'
import { paths } from './layout.ts'
import { unknownColumns } from './probes.ts'
import { readRows } from './read.ts'

export interface Finding {
  readonly severity: 'error' | 'warning' | 'info'
  readonly code: string
  readonly where: string
  readonly message: string
}

const fromError = (error: unknown): Finding => {
  if (!(error instanceof RunError)) throw error
  return { severity: 'error', code: error.code, where: error.where, message: error.message }
}

/**
 * Schema, lines, order of steps, agreement of index and data, finite numbers, sizes. Empty: nothing to say.
 */
export const verify = async (files: RunFiles): Promise<readonly Finding[]> => {
  const findings: Finding[] = []
  let contents
  try {
    contents = await readContents(files)
  } catch (error) {
    return [fromError(error)]
  }
  const { manifest, probes, evaluations, scalars, torn } = contents
  for (const [path, bytes] of torn) {
    findings.push({
      severity: 'warning', code: 'torn', where: `${files.name}/${path}`,
      message: `${bytes} bytes at the end were never committed; --resume removes them.`,
    })
  }
  for (const [path, width] of dataFiles(manifest, probes)) {
    try {
      const rows = await readRows(files, path, evaluations.length, width)
      if (width !== probes?.columns.length) continue
      const metric = manifest.columns.metrics.find(name => paths.metric(name) === path)
      const unknown = metric === undefined ? [] : [...unknownColumns(probes, metric)]
      const bad = rows.findIndex(row => unknown.some(column => row[column] !== 0))
      if (bad >= 0) {
        findings.push({
          severity: 'error', code: 'absent-not-zero', where: `${files.name}/${path}, row ${bad}`,
          message: 'A column that probes.json calls absent or missing holds a value.',
        })
      }
    } catch (error) {
      findings.push(fromError(error))
    }
  }
  const stages = new Set(manifest.stages.map(stage => stage.name))
  const strange = [...scalars, ...evaluations].find(({ stage }) => !stages.has(stage))
  if (strange) {
    findings.push({
      severity: 'warning', code: 'unknown-stage', where: files.name,
      message: `There are numbers of the stage "${strange.stage}", which run.json does not list.`,
    })
  }
  const known = new Set<string>([
    ...Object.values(paths).filter(path => typeof path === 'string'),
    ...dataFiles(manifest, probes).map(([path]) => path),
  ])
  for (const path of await files.list()) {
    if (path.endsWith('.f32') && !known.has(path)) {
      findings.push({
        severity: 'warning', code: 'unlisted-data', where: `${files.name}/${path}`,
        message: 'run.json does not list this metric, so nothing reads it.',
      })
    }
  }
  return findings
}
