import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What the environment says of the hub. */
export interface HubEnvironment {
  readonly endpoint?: string;
  readonly token?: string;
  readonly offline: boolean;
  /** The folder of the cache. */
  readonly cacheDir: string;
}

/**
 * The variables that Hugging Face's programs read, with the same defaults
 * (https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables): HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH,
 * HF_HUB_OFFLINE, HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME. Without HF_TOKEN, the token is that of `hf auth login`.
 */
export async function hubEnvironment(env: NodeJS.ProcessEnv = process.env): Promise<HubEnvironment> {
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface');
  const isOn = (value: string | undefined) => /^(1|on|yes|true)$/i.test(value ?? '');
  return {
    endpoint: env.HF_ENDPOINT || undefined,
    token: env.HF_TOKEN?.trim() || (await savedToken(env.HF_TOKEN_PATH || join(home, 'token'))),
    offline: isOn(env.HF_HUB_OFFLINE) || isOn(env.TRANSFORMERS_OFFLINE),
    cacheDir: env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, 'hub'),
  };
}

async function savedToken(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim() || undefined;
  } catch {
    return undefined; // nobody has logged in, or not for us to read
  }
}
