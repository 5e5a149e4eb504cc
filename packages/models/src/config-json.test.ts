import { expect, it } from 'vitest';
import { configJson } from './index.ts';

it('keeps the point of floats that happen to be whole, and only theirs', () => {
  const config = {
    hidden_size: 64,
    final_logit_softcapping: 30,
    rms_norm_eps: 1e-6,
    note: '"rope_theta": 1',
    rope_parameters: { rope_theta: 10000, factor: 2.5, original_max_position_embeddings: 64, beta_fast: -1 },
  };
  const text = configJson(config);
  expect(JSON.parse(text)).toEqual(config);
  const lines = text.split('\n').map((line) => line.trim());
  expect(lines).toEqual(
    expect.arrayContaining([
      '"hidden_size": 64,',
      '"final_logit_softcapping": 30.0,',
      '"rms_norm_eps": 0.000001,',
      '"note": "\\"rope_theta\\": 1",',
      '"rope_theta": 10000.0,',
      '"factor": 2.5,',
      '"original_max_position_embeddings": 64,',
      '"beta_fast": -1.0',
    ]),
  );
});
