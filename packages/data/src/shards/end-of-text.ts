/** What published tokenizers call the token that ends a document, in the order in which they are looked for. */
export const DEFAULT_END_OF_TEXT: readonly string[] = [
  '<|endoftext|>', // GPT-2, StarCoder2, Phi
  '<|end_of_text|>', // Llama 3
  '</s>', // Llama, Mistral
  '<eos>', // Gemma
  '<|im_end|>', // SmolLM2's chat models
];
