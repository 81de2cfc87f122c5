// A snapshot: one or more runs and the page that shows them, in one HTML file (ux.md §5.10).
//
// The file is a template (the page's script and style, inline) with a few things put in: a title, a <noscript>
// of static figures, and the data, behind the script so that a file that was cut off can still say so. Between them
// stand parts of the page that not every file carries, each with a script of its own (parts/).
//
//   <script type="application/octet-stream" id="ldyn-data" data-bytes data-sha256>base64(gzip(container))</script>
//
// For a web server the same is a folder: `data-beside` says that the container holds its manifest alone, and that the
// parts of the nth file of all runs stand gzipped in data/<n>.bin, which is fetched when it is read.
//
// The container is, little-endian:
//
//   8 bytes "LDYNSNAP" | u32 length of the manifest | manifest, JSON in UTF-8 | parts, one after the other
//
// The manifest (`SnapshotManifest`) says what was kept of each run and lists the run's files (the same files as in a
// run directory, so that the page reads a snapshot as it reads a server). A file is one or more parts, each in one of
// three codings:
//
//   raw   bytes as they are: JSON, JSON lines, the header of a .safetensors file
//   f32   float32, exactly: column by column, then the four bytes of each value apart ("shuffled"), so that gzip
//         sees signs and exponents that repeat
//   f16   rows of `width` values: the first row as f32; of every further row the change since the first, divided by
//         2^exponent and rounded to a float16 (11 significant bits), shuffled too. What a run shows are changes, so
//         these get the bits: |error| ≤ 2⁻¹¹·|change|. The exponent brings the largest change to [2^14, 2^15), where
//         nothing overflows and changes 2^-29 of it still have all 11 bits. `worst` is the largest error that was made.
//
// Base64 of gzip of 16-bit numbers is 3 to 4 bytes a value with two of them noise; that is why f16 and shuffling.
import { Problem } from '@ldyn/formats'
import type { Page } from '../state/address.ts'
import type { RunList } from '../wire.ts'

export const SNAPSHOT_SCHEMA = 'ldyn.snapshot/1'
export const MAGIC = 'LDYNSNAP'
export const DATA_ID = 'ldyn-data'

export const TEXTS = ['keep', 'blur', 'remove'] as const
/** Prompts and responses: as they are, hidden until pointed at, or not in the file. */
export type Texts = (typeof TEXTS)[number]
export type Precision = 'f16' | 'f32'

/** What a file may carry beside the page itself (parts/), in the order of its scripts. */
export const PARTS = ['kernel', 'figures', 'lab', 'gpt'] as const
/** The screens of kernels and of the paper's figures, the Lab's toys, and its tiny GPT. */
export type Part = (typeof PARTS)[number]

export interface SnapshotOptions {
  readonly pages: readonly Page[]
  readonly parts: readonly Part[]
  readonly text: Texts
  /** Paths cut to their last part; command line, host, process and environment left out. */
  readonly strip: boolean
  /** Numbers of probes, and matrices. */
  readonly values: Precision
  readonly kernel: Precision
  /** At most so many evaluations, updates, and points of each column of the log; undefined keeps all. */
  readonly steps?: number
}

interface Place {
  /** Bytes from the end of the manifest, and how many. */
  readonly at: number
  readonly bytes: number
}
export interface RawPart extends Place {
  readonly codec: 'raw'
}
export interface NumberPart extends Place {
  readonly codec: 'f32' | 'f16'
  readonly count: number
  /** Values in a row. */
  readonly width: number
  /** f16: changes were divided by 2^exponent, and the largest error that is left. */
  readonly exponent?: number
  readonly worst?: number
}
export type FilePart = RawPart | NumberPart

export interface SnapshotFile {
  readonly path: string
  /** Bytes once decoded. */
  readonly size: number
  readonly parts: readonly FilePart[]
}

/** How many of something there are in the snapshot, and were in the run. */
export interface Kept {
  readonly kept: number
  readonly of: number
}

export interface SnapshotRun {
  readonly key: string
  readonly files: readonly SnapshotFile[]
  readonly evaluations: Kept
  /** Values of the training log. */
  readonly scalars: Kept
  readonly updates: Kept
}

export interface SnapshotManifest extends SnapshotOptions {
  readonly schema: typeof SNAPSHOT_SCHEMA
  /** ISO 8601. */
  readonly made: string
  readonly version: string
  readonly list: RunList
  readonly runs: readonly SnapshotRun[]
}

/** What the page knows of the file that it is. */
export interface SnapshotAbout extends SnapshotManifest {
  /** Of the gzipped container, in hexadecimal; '' where the page that made it could not compute one. */
  readonly sha256: string
  /** Bytes of the gzipped container. */
  readonly bytes: number
  /** Numbers stand in files beside the page. */
  readonly beside?: boolean
}

export type SnapshotErrorCode =
  'no-data' | 'cut-off' | 'damaged' | 'newer-schema' | 'bad-manifest' | 'non-finite' | 'no-template' | 'no-run'

export class SnapshotError extends Problem<SnapshotErrorCode> {
  override readonly name = 'SnapshotError'
}
