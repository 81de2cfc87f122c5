// A run as a zip that unzips into its directory: what `ldyn runs verify` and `ldyn view` take (@ldyn/runs, layout).
import { paths, type RunManifest } from '@ldyn/runs'
import { zipSync, type Zippable } from 'fflate'

/** `name/run.json` and the rest. A run that still goes on is saved as one that was interrupted here. */
export const zipOf = (contents: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array => {
  const files: Zippable = {}
  for (const [path, bytes] of contents) files[`${name}/${path}`] = bytes
  const text = contents.get(paths.manifest)
  if (text) {
    const manifest = JSON.parse(new TextDecoder().decode(text)) as RunManifest
    if (manifest.status === 'running') {
      const ended = { ...manifest, status: 'interrupted' }
      files[`${name}/${paths.manifest}`] = new TextEncoder().encode(`${JSON.stringify(ended, null, 2)}\n`)
    }
  }
  return zipSync(files, { level: 6 })
}
