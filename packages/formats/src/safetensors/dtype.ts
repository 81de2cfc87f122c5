// Element types of safetensors, in the order in which the reference implementation (safetensors 0.8, `enum
// Dtype`) ranks them: it stores tensors by falling rank, so that each starts aligned for its type.

export const safetensorsDtypes = [
  'BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'I16', 'U16', 'F16', 'BF16', 'I32', 'U32', 'F32', 'F64', 'I64', 'U64',
] as const

/** What this reader reads. The others are known by name and refused by name. */
export type Dtype = 'BOOL' | 'U8' | 'I8' | 'I16' | 'F16' | 'BF16' | 'I32' | 'F32' | 'F64' | 'I64'

export const dtypeBytes: Readonly<Record<Dtype, number>> = {
  BOOL: 1, U8: 1, I8: 1, I16: 2, F16: 2, BF16: 2, I32: 4, F32: 4, F64: 8, I64: 8,
}

export const isDtype = (text: unknown): text is Dtype => typeof text === 'string' && Object.hasOwn(dtypeBytes, text)

export const dtypeRank = (dtype: Dtype): number => safetensorsDtypes.indexOf(dtype)
