/**
 * SVG → PNG, for `ldyn plot --png` and `ldyn export --png`. resvg draws (MPL-2.0, a prebuilt library inside its npm
 * package), and letters are those of Arimo (SIL Open Font License 1.1; the widths of Arial and Helvetica, with Greek
 * and the signs that figures use), so that a picture has the same text on a server without any font. Both are optional
 * dependencies and loaded only when a picture is asked for.
 */
import { createRequire } from 'node:module'
import { CliError } from '../contract/errors.ts'

const RASTERISER = '@resvg/resvg-js'
const FONT = '@expo-google-fonts/arimo'
export const FAMILY = 'Arimo'
const FACES = ['400Regular', '700Bold', '400Regular_Italic']

export interface PngOptions {
  /** Pixels for each of the SVG's own at 96 an inch: 3 is 288 dots an inch. */
  readonly scale?: number
}

export type Rasterise = (svg: string, options?: PngOptions) => Uint8Array

const notThere = (what: string, cause: unknown): CliError =>
  new CliError(
    {
      code: 'LD5007',
      what: 'pictures cannot be made here',
      where: what,
      why: 'it is an optional dependency of ldyn, and it was left out or has no build for this machine',
      fix: `npm install ${RASTERISER} ${FONT}, or write SVG and convert it elsewhere`,
    },
    { cause },
  )

/**
 * What draws, made ready once for any number of pictures. Throws CliError LD5007 where a part is not installed.
 */
export async function rasteriser(
  load: (name: string) => Promise<unknown> = (name) => import(name),
): Promise<Rasterise> {
  const { resolve } = createRequire(import.meta.url)
  let part = RASTERISER
  try {
    const { Resvg } = (await load(RASTERISER)) as typeof import('@resvg/resvg-js')
    part = FONT
    const fontFiles = FACES.map((face) => resolve(`${FONT}/${face}/Arimo_${face}.ttf`))
    const font = { loadSystemFonts: false, fontFiles, defaultFontFamily: FAMILY, sansSerifFamily: FAMILY }
    return (svg, { scale = 2 } = {}) =>
      new Resvg(svg, { font, fitTo: { mode: 'zoom', value: scale }, background: '#ffffff' }).render().asPng()
  } catch (cause) {
    throw notThere(part, cause)
  }
}
