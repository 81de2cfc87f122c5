/**
 * Trees of tensors: nested plain objects and arrays whose leaves are anything with a shape and a dtype
 * (a Spec, a traced Tensor, a DeviceTensor, a HostTensor) or a plain number, which stands for a scalar.
 *
 * A leaf's name is its dot path (`params.layers.3.mlp.up`); the order is the order in which the tree was
 * written. `undefined` is an empty tree, so that an optimizer without state needs no special case.
 */

export interface Branch<T> {
  readonly [key: string]: Tree<T>
}
export type Tree<T> = T | Branch<T> | readonly Tree<T>[] | undefined

export interface Leaf<T> {
  readonly path: string
  readonly value: T
}

const isLeaf = (node: unknown): boolean =>
  typeof node === 'number' ||
  (typeof node === 'object' && node !== null && 'dtype' in node && 'shape' in node)

const join = (prefix: string, key: string | number): string => (prefix === '' ? `${key}` : `${prefix}.${key}`)

/** The leaves of a tree with their paths, in order. Throws TypeError on anything that is no tree. */
export function leaves<T>(tree: Tree<T>, prefix = ''): Leaf<T>[] {
  if (tree === undefined || tree === null) return []
  if (isLeaf(tree)) return [{ path: prefix, value: tree as T }]
  if (Array.isArray(tree)) return tree.flatMap((child, i) => leaves(child as Tree<T>, join(prefix, i)))
  if (typeof tree === 'object') {
    return Object.entries(tree).flatMap(([key, child]) => {
      return leaves(child as Tree<T>, join(prefix, checkedKey(key, prefix)))
    })
  }
  throw new TypeError(notATree(tree, prefix))
}

const notATree = (node: unknown, path: string): string =>
  `'${path}' is a ${typeof node}; a tree holds objects, arrays, tensors and numbers`

function checkedKey(key: string, prefix: string): string {
  if (key === '' || key.includes('.')) {
    throw new TypeError(`tree key ${JSON.stringify(key)} at '${prefix}' is empty or has a dot`)
  }
  return key
}

/**
 * The inverse of `leaves`: children named 0, 1, … n−1 become an array.
 * Throws TypeError where a path is given twice or is both a leaf and a branch.
 */
export function unflatten<T>(entries: Iterable<Leaf<T>>, prefix = ''): Tree<T> {
  const list = [...entries]
  if (list.length === 0) return undefined
  if (list.length === 1 && list[0].path === '') return list[0].value
  if (list.some(({ path }) => path === '')) {
    throw new TypeError(
      `'${prefix}' is given twice, or is a leaf and a branch (${list.map((l) => l.path || '.').join(', ')})`,
    )
  }
  const children = new Map<string, Leaf<T>[]>()
  for (const { path, value } of list) {
    const dot = path.indexOf('.')
    const key = dot < 0 ? path : path.slice(0, dot)
    const rest = { path: dot < 0 ? '' : path.slice(dot + 1), value }
    const known = children.get(key)
    if (known) known.push(rest)
    else children.set(key, [rest])
  }
  const built = [...children].map(([key, sub]): [string, Tree<T>] => [key, unflatten(sub, join(prefix, key))])
  if (built.every(([key], i) => key === `${i}`)) return built.map(([, child]) => child)
  return Object.fromEntries(built) as Branch<T>
}

/** The same tree with every leaf replaced: empty branches stay, and the keys keep their kind. */
export function mapTree<T, U>(tree: Tree<T>, f: (value: T, path: string) => U, prefix = ''): Tree<U> {
  if (tree === undefined || tree === null) return undefined
  if (isLeaf(tree)) return f(tree as T, prefix)
  if (Array.isArray(tree)) return tree.map((child, i) => mapTree(child as Tree<T>, f, join(prefix, i)))
  if (typeof tree !== 'object') throw new TypeError(notATree(tree, prefix))
  return Object.fromEntries(
    Object.entries(tree).map(([key, child]) => [
      key,
      mapTree(child as Tree<T>, f, join(prefix, checkedKey(key, prefix))),
    ]),
  ) as Branch<U>
}

/** Which leaves a caller means: a path (itself and all below it), several, or a predicate on paths. */
export type PathFilter = string | readonly string[] | ((path: string) => boolean)

export function matches(filter: PathFilter, path: string): boolean {
  if (typeof filter === 'function') return filter(path)
  const one = (prefix: string) => prefix === '' || path === prefix || path.startsWith(`${prefix}.`)
  return typeof filter === 'string' ? one(filter) : filter.some(one)
}
