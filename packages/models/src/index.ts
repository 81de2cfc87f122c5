/**
 * @ldyn/models: the families as traced programs, and what their checkpoints and tokenizers look like on file.
 */
export { ModelError, type ModelErrorCode } from './error.ts'
export type { BaseConfig, BuildOptions, Family, LanguageModel, ModelConfig } from './families/model.ts'
export { activations, frequencies, type Activation, type Rotary, type RotaryScaling } from './families/blocks.ts'
export { gpt2, type Gpt2Config } from './families/gpt2.ts'
export { neox, type NeoxConfig } from './families/neox.ts'
export { llama, type DecoderConfig, type LlamaConfig } from './families/llama.ts'
export { qwen2, type Qwen2Config } from './families/qwen2.ts'
export { buildModel } from './families/build.ts'
export { lenet, mlp, type Classifier } from './families/mlp.ts'
export { initParams, normals, uniform } from './families/init.ts'
export {
  readHuggingFaceConfig, writeHuggingFaceConfig, type HuggingFaceConfig, type SaveDtype, type SpecialIds,
} from './checkpoints/hf-config.ts'
export { readGgufConfig } from './checkpoints/gguf-config.ts'
export { ggufNaming, huggingFaceNaming, type Naming, type Stored } from './checkpoints/names.ts'
export { parametersOf, type Parameter, type Parameters } from './checkpoints/parameters.ts'
export { tokenizerFromFiles, type Tokenizer } from './tokenizer/tokenizer.ts'
export { ggufTokenizerFiles } from './tokenizer/gguf.ts'
export { preTokenizers } from './tokenizer/pre-tokenizers.ts'
export type { ChatMessage, ChatTemplate } from './tokenizer/chat.ts'
