/** `ldyn help losses`: definitions, signs and normalisation (paper.md §2.5, §10 D). */
export const lossesPage = `Losses: kinds of stages for \`ldyn train --stages …\`, or a single one by \`--loss\`.

  r±  = Σ_t log π(y±_t) − Σ_t log π_ref(y±_t)     sums over tokens, EOS included; π_ref is the model as the stage found it
  h   = r⁺ − r⁻        ℓ̄ = mean_t log π(y_t)        σ(x) = 1/(1 + e^−x)        a = σ of the loss's own argument
  c±  = −∂L/∂(Σ_t log π(y±_t)), so ∇_z L = c·(π − e_y) at every token of y±: positive c pulls the response up, negative c
        pushes it down. The mean over pairs (kto: over labelled responses) comes on top.

  kind      L                                              c₊                          c₋                        settings
  sft       −Σ log π(y)                                    1                           –                         targets, reduction
  extend    sft on chosen and rejected                     1                           1                         reduction
  dpo       −log σ(βh)                                     β(1 − a)                    −c₊                       beta, referenceFree
   ε > 0    −(1−ε) log σ(βh) − ε log σ(−βh)                β[(1−ε)(1−a) − εa]          −c₊                       labelSmoothing (cDPO)
  ipo       (h − 1/2β)²                                    2(1/2β − h)                 −c₊                       beta, reduction
  slic      max(0, δ − βΔ), Δ = h, or without reference    β while βΔ < δ, else 0      −c₊                       beta, delta, referenceFree,
            Δ = Σ log π(y⁺) − Σ log π(y⁻) (the default)                                                          nllWeight (λ, y_ref = y⁺)
  sppo      (r⁺ − η/2)² + (r⁻ + η/2)², η = 1/β             2(η/2 − r⁺)                 −2(r⁻ + η/2)              beta, form
  simpo     −log σ(β(ℓ̄⁺ − ℓ̄⁻) − γ)                         (β/|y⁺|)(1 − a)             −(β/|y⁻|)(1 − a)          beta, gamma, nllWeight
  dpop      −log σ(β[h − λ max(0, −r⁺)])                   β(1−a)(1 + λ·1[r⁺ < 0])     −β(1 − a)                 beta, lambda
  rpo       dpo − α log π(y⁺)                              β(1 − a) + α                −β(1 − a)                 beta, nllWeight (α), reduction
  cal-dpo   −log σ(h) + ½(r⁺ − 1/2β)² + ½(r⁻ + 1/2β)²      (1−σ(h)) − (r⁺ − 1/2β)      −(1−σ(h)) − (r⁻ + 1/2β)   beta
  orpo      −α ℓ̄⁺ − β log σ(ω⁺ − ω⁻), ω = ℓ̄ − log(1−e^ℓ̄)   β(1−a)/(1−e^ℓ̄⁺)/|y⁺| + α…    −β(1−a)/(1−e^ℓ̄⁻)/|y⁻|     beta, nllWeight (α), reduction
  kto       w_D(1 − σ(β(r − z))) if desirable,             w_D β σσ′                   −w_U β σσ′                beta, desirableWeight,
            w_U(1 − σ(β(z − r))) if not                    (σσ′ = σ(x)σ(−x), x = β(r − z))                       undesirableWeight
  gate-dpo  dpo, its c₋ multiplied by g = σ(k(p − τ))      β(1 − a)                    −g β(1 − a)               gate, gateSharpness (k),
                                                                                                                 gateThreshold (τ)

At a kink the subgradient is 0 (slic at βΔ = δ, dpop at r⁺ = 0). Rewards in the log are β·r (simpo, orpo: β·ℓ̄; sppo: r/η).

Terms. Where an update is decomposed, c is the sum of: chosen, rejected (the comparison's pull and push; kto: desirable and
undesirable responses), nll (an explicit −log π(y⁺)), penalty (dpop's λ), calibration (cal-dpo's squares). A reference
has no direction of its own, nor has kto's z: neither has a gradient.

sppo pushes y⁻ down too, but only to r⁻ = −η/2. The paper prints its gradient with both signs turned (eq. 22), from which it
reads "no negative gradient"; \`form: printed\` trains that, which climbs the loss.

kto's z is max(0, mean r) over mismatched responses (another prompt's, behind this prompt): an estimate of KL(π‖π_ref) that
has no gradient. They are taken from the block of \`batch\` examples in the data's order, shifted by one; where the neighbour
has the same prompt, from the nearest row before it that has another.

gate: p is the geometric mean of the probabilities of y⁻'s tokens (mean) or their 10 % quantile (quantile). g has no gradient
and the loss keeps its value. Any loss of pairs takes it. k and τ are ours; the paper's (arXiv 2605.02626) are not public.

What is divided by what, beside TRL 1.16 (learning rates do not carry over between normalisations)
  sft       here: sum over tokens, mean over sequences (the released code). TRL: Σ NLL / Σ tokens: reduction: token-mean
  ipo       here: h of sums (the released code). TRL: each r divided by its |y|: reduction: mean. β differs accordingly
  slic      TRL's hinge has δ = 1, β and a reference: loss_type: hinge sets these. CPO's has no reference
  simpo     the same; TRL's β is 0.1, its cpo_alpha 1 with a token-mean over all y⁺ of the batch (here 2, and 0)
  rpo       here α/|y⁺| pair by pair (the paper). TRL's [sigmoid, sft] with weights [1, α]: reduction: token-mean
  orpo      here the NLL is over responses, by default ℓ̄⁺ (the paper). TRL's runs over prompt and response together
  kto       the same
  dpo       the same; label_smoothing does nothing in TRL's sigmoid (1.16), here it is cDPO
Losses of pairs are means over pairs in both; with accumulation TRL averages micro-batches, here all pairs weigh alike.
rpo's token-mean and kto's z are of a micro-batch, as in TRL. \`--preset trl\` sets TRL's normalisations and defaults.

Names of TRL that are taken: loss_type (sigmoid, ipo, hinge, sppo_hard, simpo, kto, [sigmoid, sft]), loss_weights [1, α],
label_smoothing, rpo_alpha and cpo_alpha (nllWeight), simpo_gamma, dpop_lambda, desirable_weight, undesirable_weight.
`
