import { saveCheckpoint } from '../save-checkpoint.ts';
import { exampleCheckpoint } from './example.ts';

// A training run to be killed: saves steps FIRST, FIRST + 1, … to DIR, each of FLOATS numbers, and prints every step saved.
const [dir, first, floats, count = 'Infinity'] = process.argv.slice(2);
for (let step = Number(first); step < Number(first) + Number(count); step++) {
  await saveCheckpoint(dir, exampleCheckpoint(step, Number(floats)));
  process.stdout.write(`${step}\n`);
}
