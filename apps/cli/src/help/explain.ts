/** `ldyn help explain`: definitions and signs (contracts.md §2, §4, §5). */
export const explainPage = `What an update, or the difference of two checkpoints, does to log π(y|x) of observed responses.
Every change is after minus before, so positive means that it rose; sums over response tokens in nats, or with --tokens
one number a token (EOS included). Logarithms are natural, dropout is off.

  actual        log π at θ + Δθ minus log π at θ, both evaluated
  predicted     the derivative of log π at θ along Δθ: one forward-mode pass (jvp) over all responses. Exact to first
                order for any optimizer, clipping and decay, since Δθ is the update as it is applied
  residual      actual − predicted. Halving the learning rate quarters it. At the top level of the JSON: its L2 norm
                over all tokens of all responses. In float32, rounding of log π leaves a floor, which is printed

Directions add up to predicted, because the clip factor and √v̂ stay as they were applied and only the numerator is split:
  chosen, rejected      the loss's pull on y⁺ and push on y⁻ (the cotangents c₊ and c₋ of \`ldyn help losses\`)
  target                what SFT learns; "rejected target" where it learns several types
  nll, penalty, calibration   explicit terms of a loss. A reference has no direction of its own: it has no gradient
  carry-over            what momentum or Adam's mean brings from earlier updates; none at a fresh optimizer's first
                        update. --optimizer-state goes on with the state that a checkpoint of ldyn train keeps
  decay                 weight decay
  17 chosen             with --directions examples: the same of data row 17 alone

Where in the vocabulary: with logits centred over the vocabulary, z̃ = z − mean z, log π(y) = z̃_y − log Σ e^z̃.
  own_logit     predicted change of z̃_y: the token itself was pulled up or pushed down
  normaliser    the rest, −Δ log Σ e^z̃: others rose past it (negative) or fell. Both add up to predicted (of two
                checkpoints: to integrated). Uncentred, the split would depend on an arbitrary constant
  watched       (--watch) Δ log π of every vocabulary entry at that position, in the order of ids

Where in the model (--layers, and for two checkpoints): predicted, split by the tensors of Δθ. Names are 3.attention, 3.mlp,
3.norm for layer 3; embedding (position embeddings too), norm (the last) and head. They add up to predicted. A tied
head is told apart from the embedding; by token (--layers --tokens) both count as embedding. --layers 3.mlp,head shows
these alone.

Two checkpoints (--from A --to B): predicted is the derivative at A along the whole of θ_B − θ_A, and is often far off.
  integrated    the derivative integrated along the straight way from A to B (Gauss–Legendre, --nodes): what is left of
                the residual is the rule's own error. More nodes close it
A warning is printed where the difference is below ten times what the storage type rounds off (bf16 at small rates).

A run (--run), from what observe.decompose.every wrote while it trained (observe.decompose.tokens keeps it by token too,
for the viewer's Update screen):
  exact         Σ over decomposed updates of a direction's prediction, mean over probes, times the updates that each
                stands for
  SignDelta     the published proxy: Σ over consecutive evaluations of mean(δ)/(√mean‖A‖ · mean p_e), δ the probes' summed
                log-prob changes. It is the stage's as a whole and cannot tell y⁺ from y⁻
  the fall      Σ of all negative changes of a type; the fewest updates (by actual change) and examples (by prediction)
                that make 70 % of it are named
`
