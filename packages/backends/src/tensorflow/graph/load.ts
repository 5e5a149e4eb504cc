import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Binding } from '../binding.ts';
import { encodeSavedModel, type GraphDef, SAVED_MODEL_TAG } from './graph-def.ts';

/** Loads a graph into a session, through a folder that is gone afterwards. @returns the binding's number of the session */
export function loadGraph(binding: Binding, graph: GraphDef): number {
  const folder = mkdtempSync(join(tmpdir(), 'minigpt-graph-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), encodeSavedModel(graph));
    return binding.loadSavedModel(folder, SAVED_MODEL_TAG);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
