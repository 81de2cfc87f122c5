/**
 * libtensorflow out of a Python wheel: `tensorflow-cpu`, or `tensorflow` and NVIDIA's wheels beside it for CUDA. The
 * wheel holds the C library (`libtensorflow_cc.so.2`, its C symbols included) and the C headers; of 1.3 GB unpacked
 * the 0.9 that are needed are kept. A wheel is chosen for one Python (3.11) whatever the machine's own is, since only
 * the library is used. It finds NVIDIA's libraries by its own run path, in `../nvidia/*`.
 */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { LinkError, run, type Tools } from './tools.ts'

export interface WheelOptions {
  /** Folder that holds the unpacked libraries, to be found again the next time. */
  readonly cache: string
  readonly cuda: boolean
  /** Version of TensorFlow. */
  readonly tensorflow: string
  readonly platform: 'x86_64' | 'aarch64'
  readonly show: (text: string) => void
  /** Let pip write to stderr itself: on a terminal it draws a progress bar. */
  readonly terminal: boolean
}

/** Members of the wheel that a binding is built and run with. */
const NEEDED =
  'tensorflow/(libtensorflow_(cc|framework)\\.so\\.2|include/(tensorflow/(c|core/platform)|(xla/)?tsl/(c|platform))/.*\\.h)$'

// Unpacking is Python's: a wheel is a zip, and Python is there when pip is. Prints what CUDA's extra asks for.
const UNPACK = `
import re, sys, zipfile
wheel, into, needed = sys.argv[1:4]
z = zipfile.ZipFile(wheel)
z.extractall(into, [n for n in z.namelist() if re.match(needed, n)])
for n in z.namelist():
    if n.endswith('.dist-info/METADATA'):
        for line in z.read(n).decode().splitlines():
            m = re.match(r'Requires-Dist: (nvidia-[^;]+?)\\s*;.*and-cuda', line)
            if m: print('needs ' + m.group(1).replace(' ', ''))
`

const nameOf = ({ cuda, platform }: WheelOptions): string =>
  cuda || platform === 'aarch64' ? 'tensorflow' : 'tensorflow-cpu'

/** The folder `tensorflow` of an unpacked wheel, fetched unless it is there already. Throws LinkError. */
export async function unpackedWheel(tools: Tools, options: WheelOptions): Promise<string> {
  const name = nameOf(options)
  const { cache, cuda, tensorflow, platform } = options
  const site = join(cache, `${name}-${tensorflow}${cuda ? '-cuda' : ''}-${platform}`)
  if (existsSync(site)) return join(site, 'tensorflow')
  await mkdir(cache, { recursive: true })
  return await alone(`${site}.lock`, async () => {
    if (!existsSync(site)) await unpackInto(site, name, tools, options)
    return join(site, 'tensorflow')
  })
}

/** Runs `work` while no other process does so under the same lock, a folder. One that nobody renews is broken. */
async function alone<T>(lock: string, work: () => Promise<T>): Promise<T> {
  const minutes = 10
  while (!(await mkdir(lock).then(() => true, () => false))) {
    const since = await stat(lock).then((s) => s.mtimeMs, () => Date.now())
    if (Date.now() - since > minutes * 60_000) await rm(lock, { recursive: true, force: true })
    await new Promise((wake) => setTimeout(wake, 500))
  }
  const renewal = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => undefined), 30_000)
  try {
    return await work()
  } finally {
    clearInterval(renewal)
    await rm(lock, { recursive: true, force: true })
  }
}

async function unpackInto(site: string, name: string, tools: Tools, options: WheelOptions): Promise<void> {
  const { cuda, tensorflow, show } = options
  // Unpacked beside its place and moved there when all of it is: a stopped attempt leaves nothing to trip over.
  const draft = `${site}.${process.pid}`
  try {
    await mkdir(join(draft, 'wheels'), { recursive: true })
    show(`fetching ${name} ${tensorflow} with pip (${cuda ? 'with NVIDIA’s wheels 3 GB' : '270 MB'})\n`)
    const wheel = await fetch(tools, options, draft, [`${name}==${tensorflow}`])
    const wants = await unpack(tools, wheel, draft, NEEDED)
    if (cuda) await unpack(tools, await fetch(tools, options, draft, wants), draft, 'nvidia/.*')
    await rm(join(draft, 'wheels'), { recursive: true })
    await rename(draft, site)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** Downloads wheels; their paths. */
async function fetch(
  { python }: Tools,
  { platform, show, terminal }: WheelOptions,
  draft: string,
  requirements: readonly string[],
): Promise<string[]> {
  const into = join(draft, 'wheels')
  const before = new Set(await readdir(into))
  const tags = ['manylinux_2_27', 'manylinux_2_17', 'manylinux2014'].map((tag) => `${tag}_${platform}`)
  const choice = [...tags, 'any'].flatMap((tag) => ['--platform', tag])
  const { status, output } = await run(
    python,
    [
      ...['-m', 'pip', 'download', '--no-deps', '--only-binary', ':all:', '--python-version', '3.11'],
      ...['--disable-pip-version-check', '--dest', into, ...choice, ...requirements],
    ],
    { show, terminal },
  )
  if (status !== 0) {
    const said = output.split('\n').findLast((line) => /^ERROR/.test(line)) ?? output.trim().slice(-300)
    const reason = said || 'it says why above'
    throw new LinkError(
      `pip could not fetch ${requirements.join(', ')} (${reason.trim()}); see whether 'pip download ${requirements[0]}' works, ` +
        'or unpack the wheel elsewhere and give its folder with --from',
    )
  }
  return (await readdir(into)).filter((f) => f.endsWith('.whl') && !before.has(f)).map((f) => join(into, f))
}

/** Unpacks the members that match; the requirements of CUDA that the wheels name. */
async function unpack(
  { python }: Tools,
  wheels: readonly string[],
  into: string,
  needed: string,
): Promise<string[]> {
  const wants: string[] = []
  for (const wheel of wheels) {
    const { status, output } = await run(python, ['-c', UNPACK, wheel, into, needed])
    if (status !== 0) throw new LinkError(`${wheel} could not be unpacked: ${output.trim().slice(-300)}`)
    wants.push(...[...output.matchAll(/^needs (.+)$/gm)].map((m) => m[1]))
  }
  return wants
}
