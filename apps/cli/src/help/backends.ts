/** `ldyn help backends`: what computes, how to choose it, what `verify` and `bench` say of it. */
export const backendsPage = `Backends: what computes. --backend <name> of every command that does; \`ldyn doctor\` says which are here.

  onnx            ONNX Runtime on the CPU: the default, comes with ldyn. onnx:webgpu, onnx:cuda, onnx:coreml, onnx:dml
                  are its other execution providers, where the installed onnxruntime-node has them
  webgpu          ldyn's own WebGPU kernels, in Node through Dawn (npm install webgpu). webgpu:split-f16 and webgpu:f16
                  multiply matrices in half precision with f32 sums; split-f16 keeps about 21 of f32's 24 bits
  tfjs            TensorFlow.js, the best that is installed of tfjs:node-gpu (CUDA), tfjs:node (libtensorflow),
                  tfjs:wasm, tfjs:cpu. \`npx ldyn-tfjs-link\` links tfjs:node to the library of a Python wheel
                  (--threads does not reach it: set TF_NUM_INTRAOP_THREADS)
  reference       plain loops in float64: the oracle that the others are held against, for small models
  ./mine.js       any module that exports createBackend(options) (README of @ldyn/testkit)

They compute in f32 (the reference in f64) and agree within rounding; a run records name, device and version of what
computed it. A run begun on one goes on with another by --resume: the run says so, and what is on file stays.

ldyn verify    the same probe evaluation and the same update (plain SGD) on each of --backends. Deviations from the
               first backend, its value being r and the other's x, largest over all responses:
                 sums in nats (logp, argmax_logp, rest_logp, loss, logps/*, rewards/*)   |x − r| / max(|r|, 1)
                 other figures (energy, p_e, a_norm, entropy, grad_norm)                 |x − r| / max(|r|, max|r|/100)
                 change/logp, log π after the update minus before it                     |Δx − Δr| / max|Δr|
                 --layers: the gradient of every parameter                               ‖x − r‖₂ / ‖r‖₂
               Exit code 7 where one is above --tolerance. Then, or with --trace, it finds the first op that is off
               by more than 1e-4 when both are given the same inputs; an op that goes wrong only when it is fused
               with others is not found so, and the output says that none was.
ldyn bench     \`backends\`: one table of matrix products and of one DPO update on each. \`gpu\`: the conformance suite
               on a card, then the same table at sizes that suit it, in f32 and half precision. GFLOP/s count a
               multiply-add as two; an update is three forward passes, padding included. Fastest of --repeat runs.
`
