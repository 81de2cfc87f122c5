/**
 * What crosses the port. Tensors and executables are numbers that the worker gives out; requests are answered
 * in the
 * order in which they were sent, so that a tensor that is freed after a run is asked for is still there for
 * it.
 */
import type { Capabilities, CompileStats } from '../backend.ts'
import { DeviceError, NonFiniteError, ShapeError, TraceError, UnsupportedError } from '../errors.ts'
import type { Program } from '../program.ts'
import type { HostArray, HostTensor, Spec } from '../spec.ts'
import type { Leaf } from '../tree.ts'

export interface Handle extends Spec {
  readonly handle: number
}

/** What is asked for, and what is answered. */
export interface Calls {
  open: { ask: object; answer: { readonly name: string; readonly capabilities: Capabilities } }
  upload: { ask: { readonly value: HostTensor }; answer: Handle }
  read: { ask: { readonly handle: number }; answer: HostTensor }
  compile: {
    ask: { readonly program: Program; readonly donate: readonly string[] }
    answer: { readonly executable: number; readonly stats: CompileStats }
  }
  run: {
    ask: {
      readonly executable: number
      readonly inputs: readonly Leaf<{ readonly handle: number } | HostTensor | number>[]
    }
    answer: readonly Leaf<Handle>[]
  }
  close: { ask: object; answer: null }
}
export type CallName = keyof Calls

export type Request = {
  [K in CallName]: { readonly id: number; readonly call: K } & Calls[K]['ask']
}[CallName]
/** Not answered. */
export type Notice = { readonly free: number } | { readonly drop: number }
export type Reply =
  | { readonly id: number; readonly answer: Calls[CallName]['answer']; readonly pooled: number }
  | { readonly id: number; readonly error: WireError }

/** An error as it crosses: class instances do not survive a structured clone. */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly stack?: string
  readonly op?: string
  readonly operands?: readonly Spec[]
  readonly path?: string
}

export function toWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, stack } = error
  if (!(error instanceof ShapeError)) return { name, message, stack }
  return {
    name,
    message,
    stack,
    op: error.op,
    operands: error.operands.map(({ shape, dtype }) => ({ shape, dtype })),
    path: error.path,
  }
}

const kinds: { readonly [name: string]: new (message: string) => Error } = {
  DeviceError,
  NonFiniteError,
  TraceError,
  UnsupportedError,
  RangeError,
  TypeError,
}

/**
 * The error that was thrown on the other side: class, message and fields; its stack goes below the message.
 */
export function fromWire({ name, message, stack, op, operands, path }: WireError): Error {
  const error =
    op === undefined ? new (kinds[name] ?? Error)(message) : new ShapeError(op, operands ?? [], '', path)
  error.message = message
  if (!(name in kinds) && op === undefined) error.name = name
  if (stack) error.stack = stack
  return error
}

/**
 * The data alone, and the buffer to transfer with it: itself where it may be given away and fills its buffer,
 * else a
 * copy (cloning a view would copy the whole buffer beneath it).
 */
export function parcel<T extends HostArray>(data: T, mayGive: boolean): { data: T; transfer: ArrayBuffer[] } {
  const { buffer } = data
  const whole = buffer instanceof ArrayBuffer && data.byteLength === buffer.byteLength
  if (mayGive && whole) return { data, transfer: [buffer] }
  const copy = data.slice() as T
  return { data: copy, transfer: [copy.buffer as ArrayBuffer] }
}
