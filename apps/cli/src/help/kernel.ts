/** `ldyn help kernel`: what K is, and every figure of `ldyn kernel` with its sign (paper.md §2, contracts.md §2). */
export const kernelPage = `K is how strongly updates on one response move another. For a plain gradient step of rate η on an update u,

  Δlog π(·|χ_o) = −η · A_o · K_ou · G_u + O(η²)

  z      logits at a response token; ∇z their derivative by the parameters θ
  K_ou   ∇z_o (∇z_u)ᵀ: the logits' empirical tangent kernel, V×V for each observed token m and update token l
  A_m    I − 1πᵀ: from logits to log-probs at the observed token; ‖A‖_F = √(V − 2 + V‖π‖²)
  G_l    ∂L/∂z at the update token = −pull·(e_y − π); pull = −∂L/∂log π_l, positive raises the token itself
--params takes the sum over some parameters only (a path, layers.*.attn, last:2): as if the others were frozen.
Logarithms are natural, changes are after minus before. Dropout is always off.
--out <run> puts the numbers beside a run, where \`ldyn view\` shows them, named by the run's step: that of its checkpoint,
or --step (0 for the model it began with). Those of several steps stay beside each other: the viewer shows their drift.

tokens   C[m,l] = −η·(∂L/∂log π_l)·⟨∇log π_m, ∇log π_l⟩, nats: what update token l adds to log π of observed token m.
         Positive raises it. Σ over l is the predicted change of token m, Σ over both that of the response: the
         gradient's part, without momentum, weight decay or clipping. The reference is the model itself.
         K in the list: K along the two directions that matter, each of length 1 (e_y − π on both sides).
block    one V×V block, exact at any vocabulary: α·1 plus a part of rank ≤ d (+ the input tokens where the head is tied
         to the embedding). k = ⟨∇log π_m, ∇log π_l⟩ = head (α, through the head's own weights) + body (everything
         below it) + tie (the embedding's two uses). "rises": d log π_m(v) per unit of η·pull; positive rises.
         Eigenvalues where both tokens are one, singular values otherwise; of K with centred logits, P·K·P with
         P = 1 − 11ᵀ/V: what moves all logits alike is felt by no probability, and is most of a real model's ‖K‖.
gram     ⟨∇s_i, ∇s_j⟩ with s = Σ log π of a response (--per token: its mean over tokens). Positive: raising one raises
         the other. --sketch k: a count-sketch, unbiased; standard error √((‖∇i‖²‖∇j‖² + ⟨∇i,∇j⟩²)/k) beside each entry
         (an upper bound), exact diagonal. Effective rank (Σλ)²/Σλ².
norm     ‖K_ou‖_F over all logits of both responses, and tr K_uu, by Hutchinson's estimator: E‖Kv‖² = ‖K‖² for random
         signs v. ± is the standard deviation over draws divided by their root. --centred: of P·K·P, as under block.
drift    between checkpoints: ‖K' − K‖/‖K‖; alignment ⟨K,K'⟩/(‖K‖‖K'‖) (1: only the size changed); rank stability, the
         mean over updates u of Spearman's ρ between the rankings of |K_uo| over the other probes o (paper, App. C.1).
proxy    the paper's stand-ins for K. Defined (eq. 26, two checkpoints): LBK = ‖Δlog π‖²/(‖A_o‖²‖G_u‖²) ≤ η²‖K_ou‖²;
         SignDelta = mean over vocabulary and tokens of Δlog π. Published (a run): ‖δ‖/(√a·p) and mean δ/(√a·p), δ the
         probes' changes of Σ log π, a the mean ‖A‖_F, p the mean p_e: other powers than eq. 26, and in the released
         runs p was that of random_nonhum whatever was observed. Both are shown.
screen   of a preference pair before training; h the final hidden states that predict its response tokens:
           ches         ⟨Σh⁺, Σh⁻⟩ − ‖Σh⁺‖²                         higher: more displacement (Razin et al. 2025)
           ln_ches      ⟨Σh⁺, Σh⁻⟩/(|y⁺||y⁻|) − ‖Σh⁺‖²/|y⁺|²         the same by lengths
           last_hidden  ⟨h⁺, h⁻⟩ of the last ones
           edit_distance  Levenshtein over tokens / longer length     lower: more alike, more displacement
           rejected_logp (_per_token)  log π(y⁻)                      lower: a deeper valley, a stronger squeeze
           p_thr        mean over y⁻ of ‖π‖² − π(y⁻_t): what another token's probability must exceed to rise when
                        y⁻_t is pushed down a little (Lemma 1, ln Z/ε for ε → 0)
         With --run: Spearman's ρ of each score with what the run then did to the pair, and its n.
`
