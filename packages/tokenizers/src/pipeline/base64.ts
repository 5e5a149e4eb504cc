import { TokenizerFormatError } from '../errors.ts';

/** Decodes base64. @throws TokenizerFormatError that names `what` */
export function fromBase64(text: string, what: string): Uint8Array {
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    throw Object.assign(new TokenizerFormatError(what, 'it is not base64.'), { cause });
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
