/**
 * A and G of Proposition 1 (paper.md §2.2), for rows of distributions over V entries; nothing V×V is ever made.
 *
 * Δlog π(·|x_o) = −η·A·K·G: A = ∇_z log π = I − 1πᵀ at the observed token, G = ∇_z L = π − e_y at the updated one
 * (for cross-entropy; other losses scale it by c).
 */
import { add, addAlong, broadcast, constant, mul, sqrt, square, sub, sum, type Tensor } from '@ldyn/tensor'

/** A·v = v − (π·v)1: [..., V]. Every direction that moves all logits alike is lost. */
export const A = (v: Tensor, pi: Tensor): Tensor => sub(v, sum(mul(pi, v), -1, true))

/** Aᵀ·v = v − π Σv: [..., V]. */
export const transposedA = (v: Tensor, pi: Tensor): Tensor => sub(v, mul(pi, sum(v, -1, true)))

/** ‖A‖_F = √(V − 2 + V‖π‖²) from ‖π‖² of every row. */
export const normA = (piSquared: Tensor, vocab: number): Tensor => sqrt(add(mul(piSquared, vocab), vocab - 2))

/** G = π − e_y: [..., V]; y i32 [...]. Entries add up to 0. */
export const G = (pi: Tensor, y: Tensor): Tensor => addAlong(pi, y, broadcast(constant(-1), y.shape))

/**
 * ‖G‖ = ‖π − e_y‖, the paper's p_e: [...]. From G itself: √(1 − 2π_y + ‖π‖²) would lose its digits where π_y is
 * near 1. `tokenStats.pError` is the same from hidden states.
 */
export const normG = (g: Tensor): Tensor => sqrt(sum(square(g), -1))
