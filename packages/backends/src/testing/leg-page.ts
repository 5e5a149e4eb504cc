import { start } from '../webgl.ts';
import { type Leg, type SavedFiles, trainLeg } from './training-leg.ts';

async function continueOnWebGL(maxIters: number, from: SavedFiles): Promise<Leg> {
  await start({ software: true });
  return trainLeg(maxIters, from);
}

Object.assign(globalThis, { continueOnWebGL });
