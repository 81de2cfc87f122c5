/** The figures of runs as files: one of small multiples, or one a panel in a directory; SVG, or PNG drawn from it. */
import { join } from 'node:path'
import { figure, panelsOf, slugs, type RunData } from '@ldyn/figures'
import { CliError } from '../contract/errors.ts'

export interface Picture {
  readonly path: string
  readonly svg: string
}

/** A path with the extension is one file of all figures of the probes; any other is a directory of one file a panel. */
export function picturesOf(runs: readonly RunData[], path: string, extension: 'svg' | 'png'): readonly Picture[] {
  const panels = panelsOf(runs)
  if (panels.length === 0) {
    throw new CliError({
      code: 'LD2003',
      what: 'there is no figure to draw',
      where: runs.map(({ id }) => id).join(', '),
      why: 'the run has no evaluations and no training log yet',
    })
  }
  if (!path.toLowerCase().endsWith(`.${extension}`)) {
    const names = slugs(panels.map(({ id }) => id))
    return panels.map((panel, i) => ({
      path: join(path, `${names[i]}.${extension}`),
      svg: figure([panel], panel.title),
    }))
  }
  const probing = panels.filter(({ section }) => section !== 'training' && section !== 'token')
  return [{ path, svg: figure(probing.length > 0 ? probing : panels, runs.map(({ id }) => id).join(', ')) }]
}
